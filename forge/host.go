package forge

import (
	"context"
	"fmt"
)

// host is one repository at one kind of forge: requests and nothing else.
// Repository does what all forges share: marks, bounds, comparing, finishing.
//
// Errors are the transport's, which has mapped statuses to sentinels already; a
// host adds to them only if a status means something else there. Titles come in
// cleaned and bounded, bodies within MaxBody and marks.
type host interface {
	// get returns a pull request by its number, or nil if there is none or it
	// comes from a fork. With an etag (see withETag) the error may be
	// exchange.ErrNotModified.
	get(ctx context.Context, number int) (*PullRequest, error)

	// find returns the open pull request of two branches of this repository,
	// else the newest closed or merged one, else nil.
	find(ctx context.Context, head, base string) (*PullRequest, error)

	// list returns a page of the open pull requests of this repository, without those
	// from forks, and whether it is the last. With an etag (see withETag) the error
	// may be exchange.ErrNotModified. Pages are counted from 1.
	list(ctx context.Context, page int) (pulls []*PullRequest, last bool, err error)

	// create opens a pull request, with as many of its labels, reviewers and
	// assignees as fit into the request. If an open one has these branches, the
	// error is an *existsError.
	create(ctx context.Context, p Proposal) (*PullRequest, error)

	// further reports whether adorn is needed after create.
	further(p Proposal) bool

	// adorn sets what create couldn't. It may have run before, completely or in
	// part.
	adorn(ctx context.Context, pr *PullRequest, p Proposal) error

	// edit sets title and body, and closes the pull request if asked, in one
	// request if the forge allows that.
	edit(ctx context.Context, pr *PullRequest, e edit) (*PullRequest, error)

	// commented reports whether anybody's comment contains mark. It reads a
	// bounded number of comments.
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

// maxCommits bounds Commits: GitHub returns no more for a pull request.
const maxCommits = 250

// edit is new content of a pull request.
type edit struct {
	Title, Body string
	Close       bool // else the state stays
}

// existsError says that an open pull request has the branches already.
type existsError struct {
	number int // 0 if the forge doesn't say
	cause  error
}

func (e *existsError) Error() string { return fmt.Sprintf("there is one already: %v", e.cause) }
func (e *existsError) Unwrap() error { return e.cause }
