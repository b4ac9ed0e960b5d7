package bot

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/scanner"
)

// scansAtOnce bounds the images that are waited for at once. The registry
// bounds what is in flight per host; this bounds goroutines.
const scansAtOnce = 128

// selector asks registries and policies, each once a cycle. It is safe for
// concurrent use.
type selector struct {
	scanner  *scanner.Scanner
	progress func(string)
	log      *slog.Logger

	mu      sync.Mutex
	tags    map[*config.Repository]*policy.Tags // parsed tags, shared by an image's policies
	results map[*config.Policy]func() *selection
}

func newSelector(s *scanner.Scanner, o Options) *selector {
	return &selector{
		scanner:  s,
		progress: o.Progress,
		log:      o.Log,
		tags:     map[*config.Repository]*policy.Tags{},
		results:  map[*config.Policy]func() *selection{},
	}
}

// selection is what a policy selects in this cycle. With err set, nothing else
// can be relied on. It knows the order of tags for package gate.
type selection struct {
	policy  *config.Policy
	rules   *policy.Policy
	listing *scanner.Listing
	tags    *policy.Tags
	best    pinsetter.Candidate
	err     error
}

// Accepts implements gate.Order.
func (s *selection) Accepts(tag string) bool {
	for _, excluded := range s.policy.Repository.Exclude {
		if excluded.MatchString(tag) {
			return false
		}
	}
	return s.rules.Judge(tag).Verdict != pinsetter.Rejected
}

// Above implements gate.Order.
func (s *selection) Above(a, b string) bool { return s.rules.Above(a, b) }

// Ranked implements gate.Order.
func (s *selection) Ranked() bool { return s.policy.Spec.Policy.Alphabetical == nil }

// all selects for policies, in parallel.
func (s *selector) all(ctx context.Context, policies []*config.Policy) {
	each(policies, func(p *config.Policy) *selection { return s.selection(ctx, p) })
}

// selection returns what p selects. The first call scans, later ones remember.
func (s *selector) selection(ctx context.Context, p *config.Policy) *selection {
	s.mu.Lock()
	once, ok := s.results[p]
	if !ok {
		once = sync.OnceValue(func() *selection {
			sel := s.compute(ctx, p)
			if sel.err != nil {
				sel.err = fmt.Errorf("ImagePolicy %s: %w", p.Name, sel.err)
			}
			return sel
		})
		s.results[p] = once
	}
	s.mu.Unlock()
	return once()
}

func (s *selector) compute(ctx context.Context, p *config.Policy) *selection {
	sel := &selection{policy: p}
	if sel.err = usable(p); sel.err != nil {
		return sel
	}
	if sel.rules, sel.err = policy.New(p.Spec); sel.err != nil {
		return sel
	}
	if sel.listing, sel.err = s.scan(ctx, p.Repository); sel.err != nil {
		return sel
	}
	sel.tags = s.parsed(p.Repository, sel.listing)
	ranking, err := sel.rules.Rank(sel.tags)
	if err != nil {
		sel.err = err
		return sel
	}
	best, ok := ranking.Best()
	if !ok {
		sel.err = fmt.Errorf("none of the %d tags of %s matches: see \"pinsetter explain %s\" for why",
			len(sel.listing.Tags), p.Repository.Image, p.Name)
		return sel
	}
	sel.best = best
	return sel
}

// scan lists a repository's tags. What the registry listed that is no tag is
// said, since no policy will ever see it.
func (s *selector) scan(ctx context.Context, repo *config.Repository) (*scanner.Listing, error) {
	s.progress("scanning " + repo.Image)
	listing, err := s.scanner.Scan(ctx, repo)
	if err == nil {
		s.log.Debug("scanned", "imageRepository", repo.Name, "image", repo.Image, "tags", len(listing.Tags))
	}
	if err == nil && listing.DroppedCount > 0 {
		s.log.Warn("the registry listed names that are no tags; they are dropped", "imageRepository", repo.Name,
			"image", repo.Image, "count", listing.DroppedCount, "such as", listing.Dropped[:min(len(listing.Dropped), 3)])
	}
	return listing, err
}

// usable says why p can't select, if it can't.
func usable(p *config.Policy) error {
	switch {
	case p.Err != nil:
		return p.Err
	case p.Suspended:
		return errSuspended
	case p.Repository.Suspended:
		return fmt.Errorf("its ImageRepository %s: %w", p.Repository.Name, errSuspended)
	}
	return nil
}

// parsed returns the tags of a listing, parsed once for all policies.
func (s *selector) parsed(repo *config.Repository, listing *scanner.Listing) *policy.Tags {
	s.mu.Lock()
	defer s.mu.Unlock()
	tags, ok := s.tags[repo]
	if !ok {
		tags = policy.NewTags(listing.Tags)
		s.tags[repo] = tags
	}
	return tags
}

// digest returns the digest of the selected tag, which is asked once a cycle.
func (s *selector) digest(ctx context.Context, sel *selection) (string, error) {
	digest, err := s.scanner.Digest(ctx, sel.policy.Repository, sel.best.Tag)
	if err != nil {
		return "", fmt.Errorf("ImagePolicy %s: %w", sel.policy.Name, err)
	}
	return digest, nil
}
