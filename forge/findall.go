package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// Sought is the arguments of Find.
type Sought struct {
	Head, Base string
	Known      *PullRequest // may be nil
}

// Found is the results of Find.
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

// FindAll is Find for several pull requests, in their order. It looks for them
// in the forge's lists of open ones: page by page, each conditional if the
// forge supports that. It asks one by one for those that aren't on the pages.
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
	_ = all.Wait() // the functions return no error: it is in found
	return found
}

// readPages finds pull requests on pages of open ones, until all are found, the
// pages end, or one can't be read. However long the list is, it reads one page
// more than the sought ones could fill.
func (r *Repository) readPages(ctx context.Context, sought []Sought, found []Found) {
	left := len(sought)
	for number := 1; number <= 1+len(sought)/smallestPage && left > 0; number++ {
		etag := pageOf(sought, number)
		pulls, last, err := r.host.list(exchange.WithETag(ctx, etag), number)
		switch {
		case errors.Is(err, exchange.ErrNotModified):
			pulls, last = unchanged(sought, number, etag), false
		case err != nil:
			return // asking one by one finds the reason
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

// pageOf returns the ETag of a page of open pull requests from which some
// sought ones were read; "": none was.
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

// unchanged returns the sought ones that were read from a page, which hasn't
// changed.
func unchanged(sought []Sought, number int, etag string) []*PullRequest {
	var pulls []*PullRequest
	for _, s := range sought {
		if s.Known != nil && s.Known.Page == pageMark(number)+etag {
			pulls = append(pulls, s.Known)
		}
	}
	return pulls
}

// onPage notes on pull requests the page that they were read from, if it has an
// ETag.
func onPage(pulls []*PullRequest, number int, etag string) []*PullRequest {
	for _, pr := range pulls {
		if etag != "" {
			pr.Page = pageMark(number) + etag
		}
	}
	return pulls
}

func pageMark(number int) string { return fmt.Sprintf("%d ", number) }
