package server

import (
	"context"
	"errors"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// ErrUnknown says that no object has the given name.
var ErrUnknown = errors.New("no such object")

// Source provides the data of a server. It must be safe for concurrent use.
type Source interface {
	// Status returns the state of everything at the end of the last cycle, nil
	// before the first load of objects. It is called for every request, so it
	// must be cheap. The result is never modified; a new status is a new
	// pointer.
	Status() *Status

	// Explain returns the verdict of a policy on every tag, and the sites of
	// the selected one. It may ask registries and Git, and ends with ctx. It
	// returns ErrUnknown if there is no such policy.
	Explain(ctx context.Context, policy pinsetter.Name) (*Explanation, error)

	// History returns the runs that pass the filter, newest first.
	// [store.Runs.History] implements it. The page displays any error, and
	// knows store.ErrStateless.
	History(ctx context.Context, f store.Filter) ([]store.Run, error)
}

// Status is the state of everything at one moment.
type Status struct {
	At          time.Time           // that moment
	Automations []Automation        // sorted by namespace and name
	Policies    []Policy            // the same
	Recent      []store.Run         // recent runs that pushed, proposed, held or failed, newest first; some dozens
	Findings    []pinsetter.Finding // about objects and marked files
}

// Automation is an ImageUpdateAutomation and the result of its last run.
// /api/v1/ returns it and the other types here as JSON.
type Automation struct {
	Namespace    string                 `json:"namespace"`
	Name         string                 `json:"name"`
	Repository   string                 `json:"repository,omitempty"` // "host/path"
	Web          string                 `json:"web,omitempty"`        // address of the repository for browsers
	Branch       string                 `json:"branch,omitempty"`     // the push branch, or the one that pull requests are to be merged into
	Proposes     bool                   `json:"proposes,omitempty"`   // it opens pull requests
	Revision     string                 `json:"revision,omitempty"`   // "branch@sha1:hash" of the base
	Suspended    bool                   `json:"suspended,omitempty"`
	LastRun      time.Time              `json:"lastRun,omitzero"`     // end of the last run; zero: none yet
	LastSuccess  time.Time              `json:"lastSuccess,omitzero"` // end of the last run without an error
	NextRun      time.Time              `json:"nextRun,omitzero"`
	PullRequests []store.PullRequest    `json:"pullRequests"` // open ones
	Held         []Hold                 `json:"held"`
	Unverified   []pinsetter.Unverified `json:"unverified,omitempty"` // sites whose written digests don't verify
	Error        string                 `json:"error,omitempty"`      // of the last run, or why there is none
}

// Hold is a site that doesn't take a better candidate. Rule is the rule of the
// pinsetter.Hold, which isn't part of its JSON; metrics count rules outside of
// pinsetter.Rules as "other".
type Hold struct {
	pinsetter.Hold
	Rule pinsetter.Rule `json:"rule,omitempty"`
}

// Policy is an ImagePolicy and its selection.
type Policy struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Image     string    `json:"image,omitempty"`
	Rule      string    `json:"rule,omitempty"` // its rule for people, such as "semver ^1.2"
	Suspended bool      `json:"suspended,omitempty"`
	Tag       string    `json:"tag,omitempty"`    // the selected tag; "" if there is none
	Digest    string    `json:"digest,omitempty"` // if the policy reflects digests
	Ref       string    `json:"ref,omitempty"`    // what a marker without suffix would show
	Tags      int       `json:"tags,omitempty"`   // number of listed tags
	ScannedAt time.Time `json:"scannedAt,omitzero"`
	Held      string    `json:"held,omitempty"` // why something better isn't written at one of its sites
	Error     string    `json:"error,omitempty"`
}

// Explanation is what `pinsetter explain` prints of a policy, and its error.
type Explanation struct {
	pinsetter.Explanation
	Error string `json:"error,omitempty"` // the explained part is there all the same
}

// State is the condition of an object in one word.
type State string

// The states in the order of lists: those that need attention come first.
const (
	Failing   State = "failing"
	Held      State = "held"      // a better candidate exists and isn't written
	Suspended State = "suspended" // somebody switched it off
	Idle      State = "idle"      // not run yet; of a policy: nothing is selected, since no marker names it
	OK        State = "ok"
)

// states are all states, in their order.
var states = []State{Failing, Held, Suspended, Idle, OK}

// State returns the automation's state.
func (a Automation) State() State {
	switch {
	case a.Error != "":
		return Failing
	case a.Suspended:
		return Suspended
	case len(a.Held) > 0:
		return Held
	case a.LastRun.IsZero():
		return Idle
	}
	return OK
}

// State returns the policy's state.
func (p Policy) State() State {
	switch {
	case p.Error != "":
		return Failing
	case p.Suspended:
		return Suspended
	case p.Held != "":
		return Held
	case p.Tag == "":
		return Idle
	}
	return OK
}
