// Package forge opens pull requests and keeps them up to date, at GitHub,
// GitLab and Gitea (Forgejo too). It is the only door to their clients.
//
//	repository, err := forge.Open(where, forge.Options{})
//	pr, err := repository.Find(ctx, "pinsetter/web", "main", known)
//	pr, err = repository.Create(ctx, forge.Proposal{Head: "pinsetter/web", Base: "main", …})
//	pr, changed, err := repository.Update(ctx, pr, proposal)
//	pr, err = repository.Close(ctx, pr, "Nothing is left to propose.")
//
// GitHub signs commits that an app makes through its API: see
// Repository.Commit. Tokens holds the tokens of such apps, for Git too.
//
// People's decisions at a forge count: a pull request that somebody closed
// stays closed, and labels and reviewers that somebody removed stay away.
package forge

import (
	"context"
	"errors"
	"time"

	"github.com/pinsetter/pinsetter/forge/exchange"
	"github.com/pinsetter/pinsetter/forge/githubapp"
	"github.com/pinsetter/pinsetter/login"
)

// Sentinels for callers. An error's text names the repository and quotes the
// forge, and never contains a token.
var (
	// ErrAuth: the forge doesn't accept the credentials, or requires some.
	ErrAuth = exchange.ErrAuth

	// ErrForbidden: the credentials are valid but not sufficient. The message
	// names the missing permission if the forge does.
	ErrForbidden = exchange.ErrForbidden

	// ErrNotFound: the repository or pull request doesn't exist, or the
	// credentials don't show it.
	ErrNotFound = exchange.ErrNotFound

	// ErrArchived: the repository is read-only.
	ErrArchived = exchange.ErrArchived

	// ErrRateLimited: the forge asks for a longer pause than a request may
	// wait. The error is a *RateLimitError.
	ErrRateLimited = exchange.ErrRateLimited

	// ErrInvalid: the forge refuses the request, such as a pull request between
	// two equal branches.
	ErrInvalid = exchange.ErrInvalid

	// ErrMoved: a branch isn't at the expected commit.
	ErrMoved = errors.New("the branch moved")

	// ErrNoReplace: a rule lets no commit of the branch be dropped. It may get
	// commits on top.
	ErrNoReplace = errors.New("the branch keeps its commits")
)

// RateLimitError says until when the forge wants no requests. It wraps
// ErrRateLimited.
type RateLimitError = exchange.RateLimitError

// Options configure access to a forge. The zero value uses nothing from the
// environment.
type Options struct {
	// Environment offers proxies, and credentials if the objects have none.
	Environment login.Environment

	// Dialer opens all connections.
	Dialer login.Dialer

	// Now is the clock; nil: time.Now.
	Now func() time.Time

	// Sleep waits between requests that a forge wants apart, and for the end of
	// its pauses; nil: a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// RateLimit is told how many requests a host still allows, if the host says
	// so. It is called concurrently; nil: nobody is told.
	RateLimit func(host string, remaining int)

	// Tokens are shared by all repositories of a program at GitHub; nil: Open
	// creates some for its repository.
	Tokens *Tokens
}

// Tokens is the state that all repositories of a program share at GitHub.
type Tokens = githubapp.Tokens

// NewTokens returns empty Tokens.
func NewTokens(o Options) *Tokens { return githubapp.NewTokens(o.exchange()) }

// State is the state of a pull request.
type State string

// The states of a pull request.
const (
	StateOpen   State = "open"
	StateClosed State = "closed" // without merging
	StateMerged State = "merged"
)

// PullRequest is a forge's description of a pull request (GitLab: merge
// request). Callers may store it as JSON and pass it to Find later.
type PullRequest struct {
	Number   int    `json:"number"`
	URL      string `json:"url"` // web address
	State    State  `json:"state"`
	Head     string `json:"head"`     // branch
	HeadHash string `json:"headHash"` // hash of the branch's last commit, also after the branch was deleted; "" if the forge doesn't say
	Base     string `json:"base"`     // branch
	Title    string `json:"title"`
	Body     string `json:"body"`
	Draft    bool   `json:"draft,omitempty"`

	// Ours says that Close closed it, and not a person.
	Ours bool `json:"ours,omitempty"`

	// AutoMerge says that the forge will merge it by itself. Gitea doesn't
	// tell.
	AutoMerge bool `json:"autoMerge,omitempty"`

	// ETag makes later requests for it conditional; "" if the forge gives none.
	ETag string `json:"etag,omitempty"`

	// Page makes later requests for the list that it was read from conditional; ""
	// if it was read alone.
	Page string `json:"page,omitempty"`
}

// Proposal is the desired content of a pull request.
type Proposal struct {
	Head, Base  string // branches of the repository
	Title, Body string // Markdown; a Body over MaxBody bytes is an error that wraps ErrInvalid

	// These are set when the pull request is created, and then left to people.
	Labels    []string // labels that the repository lacks are created if the forge needs that
	Reviewers []string // user names; "org/team" is a team at GitHub and Gitea
	Assignees []string
	Draft     bool
}

// MaxBody is the largest body in bytes. It leaves room for marks: GitHub
// refuses bodies of more than 65,536 characters.
const MaxBody = bodyRoom - 64

// Commit is a commit of a pull request. Its fields are whatever its author
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

// Merging is the result of Merge.
type Merging string

// The results of Merge.
const (
	MergeDone    Merging = "merged"  // it is merged
	MergeEnabled Merging = "enabled" // the forge will merge that very commit when its rules allow; only GitLab offers that
	MergeWaiting Merging = "waiting" // checks or rules don't allow it yet; ask again in the next run
)
