package adopting

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
	"github.com/pinsetter/pinsetter/charts"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
)

// asking asks registries for the tags of images, each once, in parallel. It is
// safe for concurrent use.
type asking struct {
	ctx     context.Context //nolint:containedctx // of one call of init
	app     *cli.App
	scanner *scanner.Scanner

	access map[string]*fleet.Repository // how to ask, by canonical name

	mu       sync.Mutex
	objects  map[string]*fleet.Repository // by the name in a file
	listings map[string]adopt.Listing
	broken   []error
	group    sync.WaitGroup
	asked    atomic.Int64
	answered atomic.Int64
}

func newAsking(ctx context.Context, a *cli.App, access map[string]*fleet.Repository) *asking {
	r := registry.New(registry.Options{Concurrency: a.Concurrency, UserAgent: a.UserAgent(), Dialer: a.Dialer()})
	s := scanner.New(r, time.Now)
	s.Charts = charts.New(charts.Options{Dialer: a.Dialer(), UserAgent: a.UserAgent()})
	return &asking{
		ctx: ctx, app: a, access: access, scanner: s,
		objects: map[string]*fleet.Repository{}, listings: map[string]adopt.Listing{},
	}
}

// signatures are the tags that every ImageRepository excludes by default.
var signatures = sync.OnceValue(func() *pinsetter.Matcher { return pinsetter.NewMatcher(regexp.MustCompile(`^.*\.sig$`)) })

// start asks for the tags of an image, unless somebody did. It doesn't wait.
func (q *asking) start(image string) {
	q.ask(image, func() (*fleet.Repository, adopt.Listing) {
		object, canonical, err := q.object(image)
		if err != nil {
			return object, adopt.Listing{Canonical: canonical, Err: err}
		}
		return object, q.list(object, canonical)
	})
}

// ask calls list for the listing of a key, unless somebody did. It doesn't wait.
func (q *asking) ask(key string, list func() (*fleet.Repository, adopt.Listing)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, started := q.listings[key]; started {
		return
	}
	q.listings[key] = adopt.Listing{}
	q.asked.Add(1)
	q.group.Go(func() {
		object, listing := list()
		q.mu.Lock()
		defer q.mu.Unlock()
		q.objects[key], q.listings[key] = object, listing
		q.app.Progress.Show(fmt.Sprintf("%d of %s answered", q.answered.Add(1), pinsetter.Count(int(q.asked.Load()), "registry request")))
	})
}

// fail notes that a server gave no answer.
func (q *asking) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.broken = append(q.broken, err)
}

// object returns how to ask for an image, and its canonical name.
func (q *asking) object(image string) (*fleet.Repository, string, error) {
	canonical, err := registry.Canonical(image)
	if there := q.access[canonical]; err == nil && there != nil {
		return there, canonical, nil
	}
	return &fleet.Repository{Image: image, Exclude: []*pinsetter.Matcher{signatures()}, Timeout: time.Minute}, canonical, err
}

// list asks for the tags of one image.
func (q *asking) list(object *fleet.Repository, canonical string) adopt.Listing {
	listing, err := q.scanner.Scan(q.ctx, object)
	switch {
	case err == nil:
		return adopt.Listing{Canonical: canonical, Tags: listing.Tags}
	case errors.Is(err, registry.ErrDenied):
		err = fmt.Errorf("it is private or missing: %s", strings.TrimPrefix(err.Error(), "list tags of "+object.Image+": "))
	case errors.Is(err, registry.ErrNotFound):
		err = fmt.Errorf("its registry doesn't have it")
	case errors.Is(err, registry.ErrEmpty), errors.Is(err, scanner.ErrAllExcluded):
		err = fmt.Errorf("its registry lists no tag of it")
	default:
		q.fail(err)
		err = fmt.Errorf("its registry could not be asked: %w", err)
	}
	return adopt.Listing{Canonical: canonical, Err: err}
}

// all returns the answers for images, by name. It calls meanwhile, whose ctx ends
// once all have answered.
func (q *asking) all(images []string, meanwhile func(ctx context.Context)) map[string]adopt.Listing {
	for _, image := range images {
		q.start(image)
	}
	waiting, end := context.WithCancel(q.ctx)
	go func() {
		q.group.Wait()
		end()
	}()
	meanwhile(waiting)
	<-waiting.Done()
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
