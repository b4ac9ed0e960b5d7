package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// The bounds of one listing. The largest images of public registries have about
// 100,000 tags; the bound is ten times that, with 60 bytes a tag, and pages for
// a registry that gives 100 at a time.
const (
	maxTags  = 1_000_000
	maxBytes = 64 << 20
	maxPages = 10_000

	// maxDropped bounds the malformed tags that are remembered for display.
	maxDropped = 100

	// maxBarren bounds the empty pages in a row: some registries filter after
	// paging.
	maxBarren = 10
)

// Listing is the tags of an image. Its slices are shared; callers must not
// write to them.
type Listing struct {
	Tags []string // within the OCI grammar, without duplicates, descending by bytes

	// Dropped are the first hundred tags outside the OCI grammar, quoted and
	// escaped for display. DroppedCount is the number of all of them.
	Dropped      []string
	DroppedCount int

	// Unchanged says that the listing equals the last one, as far as that is
	// remembered (Options.Keep). The slices are then those of the last one.
	Unchanged bool
}

// Tags lists all tags of the image. The error wraps ErrEmpty if the image has
// no usable tag, and ErrNotFound if the registry doesn't know the image. A list
// that can't be read to its end is an error, never a shorter list.
func (p *Repository) Tags(ctx context.Context) (Listing, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	r, key := p.registry, p.Key()
	l := &lister{repository: p, host: r.host(p.name.RegistryStr()), last: r.keeper.last(key), seen: map[string]bool{}}
	if err := l.list(ctx); err != nil {
		return Listing{}, fmt.Errorf("list tags of %s: %w", p.name, p.told(err))
	}
	found, unchanged, err := l.result(r.options.Now())
	if err != nil {
		return Listing{}, fmt.Errorf("list tags of %s: %w", p.name, err)
	}
	r.keeper.keep(key, found)
	listing := found.listing
	listing.Unchanged = unchanged
	return listing, nil
}

// listing sorts and filters the tags that were read.
func (l *lister) listing() (Listing, error) {
	found := Listing{Tags: l.tags[:0]}
	for _, tag := range l.tags {
		switch {
		case pinsetter.ValidTag(tag):
			found.Tags = append(found.Tags, tag)
			continue
		case found.DroppedCount < maxDropped:
			found.Dropped = append(found.Dropped, pinsetter.Quote(l.repository.secrets.Text(tag)))
		}
		found.DroppedCount++
	}
	if len(found.Tags) == 0 && found.DroppedCount > 0 {
		return Listing{}, pinsetter.Reword(fmt.Sprintf("none of its %d tags is in the grammar of the OCI specification, such as %s", found.DroppedCount, found.Dropped[0]), ErrEmpty)
	}
	if len(found.Tags) == 0 {
		return Listing{}, pinsetter.Reword("the registry answers with an empty list; was something pushed there, and are the credentials for it?", ErrEmpty)
	}
	if !l.unordered {
		slices.Reverse(found.Tags)
		return found, nil
	}
	slices.SortFunc(found.Tags, func(a, b string) int { return strings.Compare(b, a) })
	found.Tags = slices.Compact(found.Tags)
	return found, nil
}
