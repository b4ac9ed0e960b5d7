package forge

import (
	"context"
	"errors"
	"fmt"
)

// host is what one forge does with one repository: requests and nothing else.
// What all forges share is Repository's: marks, bounds, comparing, finishing.
//
// Errors are those of the transport, which has mapped statuses to the sentinels
// already; a host says more only where a status means something else there.
// Titles come in cleaned and bounded, bodies within MaxBody and marks.
type host interface {
	// get returns the pull request of a number, or nil where there is none or
	// it comes from a fork. With an etag (see withETag) the answer may be
	// errNotModified.
	get(ctx context.Context, number int, etag string) (*PullRequest, error)

	// find returns the open pull request of two branches of this repository,
	// else the newest that is closed or merged, else nil.
	find(ctx context.Context, head, base string) (*PullRequest, error)

	// create opens a pull request, with as much of labels, reviewers and
	// assignees as fits into the request. Where an open one has these branches
	// the error is an *existsError.
	create(ctx context.Context, p Proposal) (*PullRequest, error)

	// further reports whether adorn is needed after create.
	further(p Proposal) bool

	// adorn does what create couldn't. It may have been done before, in whole
	// or in part.
	adorn(ctx context.Context, pr *PullRequest, p Proposal) error

	// edit sets title and body, and closes, in one request where the forge
	// allows that.
	edit(ctx context.Context, pr *PullRequest, e edit) (*PullRequest, error)

	// commented reports whether a comment by anybody holds mark. It looks at
	// a bounded number of comments.
	commented(ctx context.Context, number int, mark string) (bool, error)

	// comment adds a comment.
	comment(ctx context.Context, number int, text string) error

	// merge is Repository.Merge for an open pull request.
	merge(ctx context.Context, pr *PullRequest) (Merging, string, error)

	// stopMerging is Repository.StopMerging.
	stopMerging(ctx context.Context, number int) error

	// commits returns at most maxCommits commits, oldest first.
	commits(ctx context.Context, number int) ([]Commit, error)
}

// maxCommits bounds Commits: GitHub gives no more for a pull request.
const maxCommits = 250

// edit is what a pull request is to say.
type edit struct {
	Title, Body string
	Close       bool // else the state is left alone
}

// existsError says that an open pull request has the branches already.
type existsError struct {
	number int // 0 where the forge doesn't say
	cause  error
}

func (e *existsError) Error() string { return fmt.Sprintf("there is one already: %v", e.cause) }
func (e *existsError) Unwrap() error { return e.cause }

// errNotModified answers a conditional request.
var errNotModified = errors.New("not modified")

type etagKey struct{}

// withETag makes the requests of a context conditional: the transport sends the
// ETag, and a 304 is errNotModified. With an empty one they aren't.
func withETag(ctx context.Context, etag string) context.Context {
	return context.WithValue(ctx, etagKey{}, etag)
}
