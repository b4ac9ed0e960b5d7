package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// Sought is what Find is called with.
type Sought struct {
	Head, Base string
	Known      *PullRequest // may be nil
}

// Found is what Find returns.
type Found struct {
	PullRequest *PullRequest
	Err         error
}

const (
	// fewSought are asked for one by one: each answer is small.
	fewSought = 2

	// findsAtOnce bounds the pull requests that are asked for at once.
	findsAtOnce = 4
)

// FindAll is Find for several pull requests, in their order. It asks for those that
// are open by the forge's lists of open ones: page by page, each conditional if the
// forge supports that. What the pages don't have is asked for one by one.
func (r *Repository) FindAll(ctx context.Context, sought []Sought) []Found {
	found := make([]Found, len(sought))
	if len(sought) > fewSought {
		r.readPages(ctx, sought, found)
	}
	var all errgroup.Group
	all.SetLimit(findsAtOnce)
	for i, s := range sought {
		if found[i].PullRequest != nil {
			continue
		}
		all.Go(func() error {
			found[i].PullRequest, found[i].Err = r.Find(ctx, s.Head, s.Base, s.Known)
			return nil
		})
	}
	_ = all.Wait() // the functions return no error: it is in what was found
	return found
}

// readPages finds pull requests on pages of open ones, until all are found, the pages
// are at their end, or one can't be read. The longest list of others costs no more
// pages than that the sought ones might fill, and one.
func (r *Repository) readPages(ctx context.Context, sought []Sought, found []Found) {
	left := len(sought)
	for number := 1; number <= 1+len(sought)/smallestPage && left > 0; number++ {
		etag := pageOf(sought, number)
		pulls, last, err := r.host.list(exchange.WithETag(ctx, etag), number)
		switch {
		case errors.Is(err, exchange.ErrNotModified):
			pulls, last = unchanged(sought, number, etag), false
		case err != nil:
			return // who asks for one says why
		}
		for i, s := range sought {
			if pr := among(pulls, s); pr != nil && found[i].PullRequest == nil {
				found[i].PullRequest = pr.read()
				left--
			}
		}
		if last {
			return
		}
	}
}

// smallestPage is the fewest open pull requests on a page that isn't the last.
const smallestPage = giteaPage

// among returns the pull request that is sought, or nil.
func among(pulls []*PullRequest, s Sought) *PullRequest {
	for _, pr := range pulls {
		if pr.Head == s.Head && pr.Base == s.Base {
			return pr
		}
	}
	return nil
}

// pageOf returns the ETag that a page of open pull requests had when some that are
// sought were read from it; "": none was.
func pageOf(sought []Sought, number int) string {
	for _, s := range sought {
		if s.Known == nil {
			continue
		}
		if etag, is := strings.CutPrefix(s.Known.Page, pageMark(number)); is {
			return etag
		}
	}
	return ""
}

// unchanged returns those that were read from a page that is as it was.
func unchanged(sought []Sought, number int, etag string) []*PullRequest {
	var pulls []*PullRequest
	for _, s := range sought {
		if s.Known != nil && s.Known.Page == pageMark(number)+etag {
			pulls = append(pulls, s.Known)
		}
	}
	return pulls
}

// onPage notes on which page pull requests were read. Without an ETag it is nowhere.
func onPage(pulls []*PullRequest, number int, etag string) []*PullRequest {
	for _, pr := range pulls {
		if etag != "" {
			pr.Page = pageMark(number) + etag
		}
	}
	return pulls
}

func pageMark(number int) string { return fmt.Sprintf("%d ", number) }
