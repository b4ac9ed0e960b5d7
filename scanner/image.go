package scanner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
)

// image is an object's image, with the object's access to it.
type image struct {
	*registry.Repository
	key     string // Repository.Key
	exclude string // identifies key and exclusionList together
	what    string // describes a scan for people

	// reused returns a remembered listing that is fresh enough for the object
	// in this cycle, or false.
	reused func() (answer, bool)
}

// open returns the object's image. It is prepared once a cycle.
func (s *Scanner) open(object *fleet.Repository) (*image, error) {
	s.mu.Lock()
	opened, ok := s.images[object]
	s.mu.Unlock()
	if object.Index != nil {
		return nil, fmt.Errorf("chart %s comes from an HTTP index, which has no signatures", object.Index.Chart)
	}
	if ok {
		return opened, nil
	}
	if object.Err != nil {
		return nil, object.Err
	}
	repository, err := s.registry.Repository(object.Image, access(object))
	if err != nil {
		return nil, err
	}
	opened = &image{Repository: repository, key: repository.Key(), what: "list tags of " + repository.Name()}
	opened.exclude = fmt.Sprintf("%s %q ", opened.key, object.Exclude)
	opened.reused = sync.OnceValues(func() (answer, bool) {
		return s.reuse(repository, object.Spec.Interval.Duration)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.images[object]; ok {
		return first, nil
	}
	s.images[object] = opened
	return opened, nil
}

func access(object *fleet.Repository) registry.Access {
	from := object.Access
	to := registry.Access{
		DockerConfigs: from.DockerConfigs,
		Provider:      from.Provider,
		Token:         from.Token,
		TLS:           from.TLS,
		Proxy:         from.Proxy,
		Insecure:      from.Insecure,
		Timeout:       object.Timeout,
	}
	if object.Spec.Timeout != nil {
		to.Answer = object.Timeout // a longer timeout for the whole gives each answer longer
	}
	return to
}

// reuse returns the registry's remembered listing of an image if it is younger
// than the interval and older than this cycle. The cycle's own answers are in
// the memo.
func (s *Scanner) reuse(repository *registry.Repository, interval time.Duration) (answer, bool) {
	if s.began.IsZero() {
		return answer{}, false
	}
	listing, at, ok := repository.Kept()
	if age := s.began.Sub(at); !ok || age <= 0 || age >= interval-interval/10 {
		return answer{}, false
	}
	return answer{listing, hashOf(listing.Tags), at}, true
}

// hashOf returns a hash of a list of tags, which is in descending order.
func hashOf(tags []string) string {
	hash := sha256.New()
	var line []byte
	for i := len(tags) - 1; i >= 0; i-- {
		line = append(line[:0], tags[i]...)
		if i > 0 {
			line = append(line, '\n')
		}
		hash.Write(line)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// split divides a listing, once for each key.
func (s *Scanner) split(key string, listed answer, patterns []*pinsetter.Matcher) split {
	s.mu.Lock()
	once, ok := s.splits[key]
	if !ok {
		once = sync.OnceValue(func() split { return divide(listed, patterns) })
		s.splits[key] = once
	}
	s.mu.Unlock()
	return once()
}

// split is the tags of an image, divided by the rule that drops them.
type split struct {
	kept, excluded, reserved []string
	hash                     string // of those that are kept
}

// divide splits the tags that a registry listed, in its order: reserved names,
// tags that match one of the patterns, and the rest. The parts take no more memory
// than they need: a cycle holds those of all images.
func divide(listed answer, patterns []*pinsetter.Matcher) split {
	const kept, excluded, reserved = 0, 1, 2
	of := make([]byte, len(listed.Tags)) // the part of each tag
	var counts [3]int
	for i, tag := range listed.Tags {
		switch {
		case pinsetter.ReservedTag(tag):
			of[i] = reserved
		case matchesAny(tag, patterns):
			of[i] = excluded
		}
		counts[of[i]]++
	}
	if counts[kept] == len(listed.Tags) {
		return split{kept: listed.Tags, hash: listed.hash}
	}
	var parts [3][]string
	for part, count := range counts {
		parts[part] = make([]string, 0, count)
	}
	for i, tag := range listed.Tags {
		parts[of[i]] = append(parts[of[i]], tag)
	}
	return split{kept: parts[kept], excluded: parts[excluded], reserved: parts[reserved], hash: hashOf(parts[kept])}
}

// nothing returns the error for an image of which no tag is left.
func (s split) nothing(object *fleet.Repository) error {
	why := fmt.Sprintf("the exclusionList of ImageRepository %s drops all of its %d tags", object.Name, len(s.excluded))
	if n := len(s.reserved); n > 0 {
		why = fmt.Sprintf("all of its %d tags are signatures and other referrers of images, or on the exclusionList of ImageRepository %s: is the image itself tagged?",
			n+len(s.excluded), object.Name)
	}
	return fmt.Errorf("%s: %w", why, ErrAllExcluded)
}

func matchesAny(tag string, patterns []*pinsetter.Matcher) bool {
	for _, pattern := range patterns {
		if pattern.MatchString(tag) {
			return true
		}
	}
	return false
}
