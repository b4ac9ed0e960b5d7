package server

import (
	"context"
	"errors"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// ErrUnknown says that no object has the name that was asked for.
var ErrUnknown = errors.New("no such object")

// Source is what a server shows. It is safe for concurrent use.
type Source interface {
	// Status returns what was known when the last cycle ended, nil before the
	// objects have been loaded for the first time. It is called for every
	// request, so it must be cheap. What it returns is never written to again: a
	// new picture is another pointer.
	Status() *Status

	// Explain says what a policy makes of every tag, and where the selected one
	// goes. It may ask registries and Git, and ends with ctx. It is ErrUnknown
	// where there is no such policy.
	Explain(ctx context.Context, policy pinsetter.Name) (*Explanation, error)

	// History returns the runs that pass the filter, newest first.
	// [store.Ledger.History] is one; store.ErrStateless is shown as such.
	History(ctx context.Context, f store.Filter) ([]store.Run, error)
}

// Status is a picture of everything at one moment.
type Status struct {
	At          time.Time           // of the picture
	Automations []Automation        // sorted by namespace and name
	Policies    []Policy            // the same
	Recent      []store.Run         // what was pushed, proposed, held or failed lately, newest first; some dozens
	Findings    []pinsetter.Finding // what is wrong with the objects and the marked files
}

// Automation is an ImageUpdateAutomation and how its last run ended. Its JSON, as
// that of the other types here, is what /api/v1/ answers.
type Automation struct {
	Namespace    string              `json:"namespace"`
	Name         string              `json:"name"`
	Repository   string              `json:"repository,omitempty"` // "host/path"
	Branch       string              `json:"branch,omitempty"`     // what it pushes to
	Revision     string              `json:"revision,omitempty"`   // "branch@sha1:hash" of what was read
	Suspended    bool                `json:"suspended,omitempty"`
	LastRun      time.Time           `json:"lastRun,omitzero"`     // when the last run ended; zero: there was none
	LastSuccess  time.Time           `json:"lastSuccess,omitzero"` // when the last run without an error ended
	NextRun      time.Time           `json:"nextRun,omitzero"`
	PullRequests []store.PullRequest `json:"pullRequests"` // that are open
	Held         []Hold              `json:"held"`
	Error        string              `json:"error,omitempty"` // of the last run, or why there is none
}

// Hold is a site that doesn't take a better candidate. Rule is that of the
// pinsetter.Hold, which doesn't show it; metrics count what is none of
// pinsetter.Rules as "other".
type Hold struct {
	pinsetter.Hold
	Rule pinsetter.Rule `json:"rule,omitempty"`
}

// Policy is an ImagePolicy and what it selects.
type Policy struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Image     string    `json:"image,omitempty"`
	Rule      string    `json:"rule,omitempty"` // how it chooses, for people, such as "semver ^1.2"
	Suspended bool      `json:"suspended,omitempty"`
	Tag       string    `json:"tag,omitempty"`    // what is selected; "" where nothing is
	Digest    string    `json:"digest,omitempty"` // where the policy reflects digests
	Ref       string    `json:"ref,omitempty"`    // what a marker without suffix would show
	Tags      int       `json:"tags,omitempty"`   // how many the registry lists
	ScannedAt time.Time `json:"scannedAt,omitzero"`
	Held      string    `json:"held,omitempty"` // why no candidate passes, where there are some
	Error     string    `json:"error,omitempty"`
}

// Explanation is what became of every tag of a policy's repository, and where
// the selected one goes.
type Explanation struct {
	Namespace string              `json:"namespace"`
	Name      string              `json:"name"`
	Image     string              `json:"image"`
	Suspended bool                `json:"suspended,omitempty"`
	Selected  string              `json:"selected,omitempty"`
	Tags      []pinsetter.Verdict `json:"tags"`            // best first
	Sites     []Destination       `json:"sites"`           // sorted by automation, path and line
	Error     string              `json:"error,omitempty"` // what could be explained is there all the same
}

// Destination is one site of a policy and what it takes. Next equals Current
// where nothing changes, and is empty where nothing could be decided. Held is the
// reason why a better candidate isn't written.
type Destination struct {
	Automation string `json:"automation"`
	Path       string `json:"path"`
	Line       int    `json:"line"`
	Current    string `json:"current"`
	Next       string `json:"next,omitempty"`
	Held       string `json:"held,omitempty"`
}

// State says in a word how an object is doing.
type State string

// The states, in the order in which lists have them: what somebody should look
// at comes first.
const (
	Failing   State = "failing"
	Held      State = "held"      // a better candidate exists and isn't written
	Suspended State = "suspended" // somebody switched it off
	Idle      State = "idle"      // not run yet; of a policy: nothing is selected, since no marker asks for it
	OK        State = "ok"
)

// states are all of them, in their order.
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

// State returns the policy's state. That a site doesn't take what is selected is
// no state of the policy.
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
