// Package forge opens pull requests and keeps them up to date, at GitHub, GitLab
// and Gitea (Forgejo too). It is the only door to their clients.
//
//	repository, err := forge.Open(where, forge.Options{})
//	pr, err := repository.Find(ctx, "pinsetter/web", "main", known)
//	pr, err = repository.Create(ctx, forge.Proposal{Head: "pinsetter/web", Base: "main", …})
//	pr, changed, err := repository.Update(ctx, pr, proposal)
//	pr, err = repository.Close(ctx, pr, "Nothing is left to propose.")
//
// GitHub signs what it commits for an app: that is Repository.Commit. Tokens has
// the tokens of such apps, for Git too.
//
// What people do at a forge counts: a pull request that somebody closed stays
// closed, and labels and reviewers that somebody took away stay away.
package forge

import (
	"context"
	"errors"
	"time"

	"github.com/pinsetter/pinsetter/login"
)

// The errors that a caller acts on. The text of an error names the repository and
// what the forge said, and never a token.
var (
	// ErrAuth: the forge doesn't accept the credentials, or wants some.
	ErrAuth = errors.New("access denied")

	// ErrForbidden: the credentials are known and may not do this. The message
	// names the permission that is missing where the forge says it.
	ErrForbidden = errors.New("not permitted")

	// ErrNotFound: there is no such repository or pull request, or the
	// credentials don't show it.
	ErrNotFound = errors.New("not found")

	// ErrArchived: the repository can only be read.
	ErrArchived = errors.New("the repository is archived")

	// ErrRateLimited: the forge asks for a pause that is longer than a request
	// may wait. The error is a *RateLimitError.
	ErrRateLimited = errors.New("rate limit reached")

	// ErrInvalid: the forge refuses what was asked, such as a pull request
	// between two branches without a difference.
	ErrInvalid = errors.New("refused")

	// ErrMoved: a branch isn't at the commit that it was expected to be at.
	ErrMoved = errors.New("the branch moved")
)

// RateLimitError says until when the forge wants to be left alone. It wraps
// ErrRateLimited.
type RateLimitError struct {
	Host  string
	Until time.Time // zero where the forge doesn't say
}

// Options says how a forge is reached. The zero value takes nothing from the
// environment.
type Options struct {
	// Environment offers credentials where the objects give none, and proxies.
	Environment login.Environment

	// Dialer opens all connections.
	Dialer login.Dialer

	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Sleep waits between requests that a forge wants apart, and until it may
	// be asked again; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// RateLimit is told how many requests a host still allows, where it says so,
	// from several goroutines; nil: nobody.
	RateLimit func(host string, remaining int)

	// Tokens are what the repositories of one program share at GitHub; nil:
	// Open makes some for one repository.
	Tokens *Tokens
}

// State is what became of a pull request.
type State string

// The states of a pull request.
const (
	StateOpen   State = "open"
	StateClosed State = "closed" // without merging
	StateMerged State = "merged"
)

// PullRequest is what a forge says about a pull request (a merge request, in
// GitLab's words). As JSON it can be kept and handed back to Find.
type PullRequest struct {
	Number   int    `json:"number"`
	URL      string `json:"url"` // for people
	State    State  `json:"state"`
	Head     string `json:"head"`     // branch
	HeadHash string `json:"headHash"` // of the branch's last commit, also after it was deleted; "" where the forge doesn't say
	Base     string `json:"base"`     // branch
	Title    string `json:"title"`
	Body     string `json:"body"`
	Draft    bool   `json:"draft,omitempty"`

	// Ours says that Close closed it, and no person.
	Ours bool `json:"ours,omitempty"`

	// AutoMerge says that the forge will merge it by itself. Gitea doesn't say.
	AutoMerge bool `json:"autoMerge,omitempty"`

	// ETag is what a conditional request for it sends; "" where the forge gives
	// none.
	ETag string `json:"etag,omitempty"`
}

// Proposal is what a pull request is to be.
type Proposal struct {
	Head, Base  string // branches of the repository
	Title, Body string // Markdown; a Body over MaxBody bytes is an error that wraps ErrInvalid

	// These are given when the pull request is made, and left to people then.
	Labels    []string // those that the repository lacks are made where the forge needs that
	Reviewers []string // user names; "org/team" is a team at GitHub and Gitea
	Assignees []string
	Draft     bool
}

// MaxBody is the longest body in bytes. Forges take a little more: GitHub refuses
// one of more than 65,536 characters, and marks need room.
const MaxBody = bodyRoom - 64

// Commit is a commit of a pull request. What it says is whatever its author
// wrote.
type Commit struct {
	Hash           string
	Message        string
	AuthorName     string
	AuthorEmail    string
	CommitterName  string
	CommitterEmail string
	Parents        []string
}

// Merging is what Merge has come to.
type Merging string

// What Merge comes to.
const (
	MergeDone    Merging = "merged"  // it is merged
	MergeEnabled Merging = "enabled" // the forge merges that commit when its rules allow: GitLab alone binds it to one
	MergeWaiting Merging = "waiting" // checks or rules don't allow it yet; asked again in the next run
)
