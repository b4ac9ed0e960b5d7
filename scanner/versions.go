package scanner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/charts"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
)

// index returns the versions of a ChartRepository, from an answer of this cycle that
// isn't older than earliest.
func (s *Scanner) index(ctx context.Context, object *fleet.Repository, earliest time.Time) (*charts.Listing, error) {
	switch {
	case object.Err != nil:
		return nil, object.Err
	case s.Charts == nil:
		return nil, errors.New("charts of HTTP indexes can't be followed here")
	}
	if earliest.Before(s.opened) {
		earliest = s.opened
	}
	i := object.Index
	defer s.asks(object, "read index of "+object.Image)()
	began := time.Now()
	found, err := s.Charts.Versions(ctx, charts.Access{
		URL: i.URL, Username: i.Username, Password: i.Password, TLS: object.Access.TLS, Proxy: object.Access.Proxy, Timeout: object.Timeout,
	}, i.Chart, earliest)
	if s.Asked != nil {
		s.Asked(object, time.Since(began), err)
	}
	if errors.Is(err, charts.ErrNotFound) {
		err = fmt.Errorf("%w: %w", err, registry.ErrNotFound)
	}
	return found, err
}

// versions lists a ChartRepository's versions as tags: with "_" for "+", as a registry
// has them.
func (s *Scanner) versions(ctx context.Context, object *fleet.Repository, earliest time.Time) (*Listing, error) {
	found, err := s.index(ctx, object, earliest)
	if err != nil {
		return nil, err
	}
	l := &Listing{Image: object.Image, Canonical: object.Image, ScannedAt: found.At, Dropped: found.Broken, DroppedCount: len(found.Broken)}
	var all []string
	for _, v := range found.Versions {
		tag := charts.Tag(v.Version)
		all = append(all, tag)
		if v.Deprecated && !object.Index.Deprecated {
			l.Deprecated = append(l.Deprecated, tag)
			continue
		}
		l.Tags = append(l.Tags, tag)
	}
	for _, tags := range [][]string{all, l.Tags, l.Deprecated} {
		slices.SortFunc(tags, func(a, b string) int { return strings.Compare(b, a) })
	}
	l.Hash, l.KeptHash = hashOf(all), hashOf(l.Tags)
	if len(l.Tags) == 0 {
		return nil, fmt.Errorf("all %d versions of chart %s are deprecated: write deprecated: true in ChartRepository %s if they are wanted: %w",
			len(l.Deprecated), object.Index.Chart, object.Name, ErrAllExcluded)
	}
	return l, nil
}

// archive returns the digest of a version's archive, as the index has it.
func (s *Scanner) archive(ctx context.Context, object *fleet.Repository, tag string) (string, error) {
	found, err := s.index(ctx, object, time.Time{})
	if err != nil {
		return "", err
	}
	for _, v := range found.Versions {
		if charts.Tag(v.Version) != tag {
			continue
		}
		if v.Digest == "" {
			return "", fmt.Errorf("the index of chart %s has no digest of version %s", object.Index.Chart, v.Version)
		}
		return v.Digest, nil
	}
	return "", fmt.Errorf("get digest of %s:%s: %w", object.Image, tag, registry.ErrNotFound)
}

func (s *Scanner) hasArchive(ctx context.Context, object *fleet.Repository, digest string) (bool, error) {
	found, err := s.index(ctx, object, time.Time{})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(found.Versions, func(v charts.Version) bool { return v.Digest == digest }), nil
}
