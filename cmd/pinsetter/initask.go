package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
)

// asking asks registries for the tags of images, each once, in parallel. It is
// safe for concurrent use.
type asking struct {
	ctx     context.Context //nolint:containedctx // of one call of init
	app     *app
	there   *thereAlready
	scanner *scanner.Scanner

	mu       sync.Mutex
	objects  map[string]*fleet.Repository // by the name in a file
	listings map[string]adopt.Listing
	broken   []error
	group    sync.WaitGroup
	asked    atomic.Int64
	answered atomic.Int64
}

func newAsking(ctx context.Context, a *app, there *thereAlready) *asking {
	r := registry.New(registry.Options{Concurrency: a.concurrency, UserAgent: userAgent(), Dialer: a.dialer()})
	return &asking{
		ctx: ctx, app: a, there: there, scanner: scanner.New(r, time.Now),
		objects: map[string]*fleet.Repository{}, listings: map[string]adopt.Listing{},
	}
}

// signatures are the tags that every ImageRepository excludes by default.
var signatures = pinsetter.Pattern(`^.*\.sig$`)

// start asks for the tags of an image, unless somebody did. It doesn't wait.
func (q *asking) start(image string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.objects[image] != nil {
		return
	}
	object := &fleet.Repository{Image: image, Exclude: []*regexp.Regexp{signatures()}, Timeout: time.Minute}
	canonical, err := registry.Canonical(image)
	if there := q.there.access[canonical]; err == nil && there != nil {
		object = there
	}
	q.objects[image] = object
	q.asked.Add(1)
	q.group.Go(func() {
		listing := adopt.Listing{Canonical: canonical, Err: err}
		if err == nil {
			listing = q.list(object, canonical)
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.listings[image] = listing
		q.app.progress.show(fmt.Sprintf("%d of %s answered", q.answered.Add(1), pinsetter.Count(int(q.asked.Load()), "registry request")))
	})
}

// list asks for the tags of one image.
func (q *asking) list(object *fleet.Repository, canonical string) adopt.Listing {
	listing, err := q.scanner.Scan(q.ctx, object)
	switch {
	case err == nil:
		return adopt.Listing{Canonical: canonical, Tags: listing.Tags}
	case errors.Is(err, registry.ErrDenied):
		err = fmt.Errorf("it is private or missing: its registry denies access (docker login, or a secretRef of its ImageRepository)")
	case errors.Is(err, registry.ErrNotFound):
		err = fmt.Errorf("its registry doesn't have it")
	case errors.Is(err, registry.ErrEmpty), errors.Is(err, scanner.ErrAllExcluded):
		err = fmt.Errorf("its registry lists no tag of it")
	default:
		q.mu.Lock()
		q.broken = append(q.broken, err)
		q.mu.Unlock()
		err = fmt.Errorf("its registry could not be asked: %w", err)
	}
	return adopt.Listing{Canonical: canonical, Err: err}
}

// all asks for the rest, and returns what was answered, by name.
func (q *asking) all(images []string) map[string]adopt.Listing {
	for _, image := range images {
		q.start(image)
	}
	q.group.Wait()
	return q.listings
}

// failed returns the errors of registries that gave no answer.
func (q *asking) failed() error {
	slices.SortFunc(q.broken, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(q.broken...)
}

// digests looks up the digests that entries follow.
func (q *asking) digests(entries []adopt.Entry) {
	var g errgroup.Group
	g.SetLimit(128) // the registry bounds what is in flight
	for i := range entries {
		e := &entries[i]
		if e.Follows.Tag == "" || e.Skipped != "" {
			continue
		}
		g.Go(func() error {
			digest, err := q.scanner.Digest(q.ctx, q.objects[e.Follows.Name], e.Follows.Tag)
			if e.Best = digest; err != nil {
				e.Best = e.Current
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
}
