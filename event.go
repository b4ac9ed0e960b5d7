package pinsetter

import "time"

// EventKind is the kind of an event.
type EventKind string

// The kinds of events.
const (
	EventPushed     EventKind = "pushed"              // changes were pushed to the branch that is read
	EventProposed   EventKind = "proposed"            // a pull request was opened, or its changes are different
	EventMerged     EventKind = "merged"              // a pull request was merged
	EventHeld       EventKind = "held"                // better candidates exist and are not written
	EventUnverified EventKind = "verification-failed" // a rule about signatures refuses what is written
	EventFailed     EventKind = "failed"              // something failed and somebody has to act
	EventRecovered  EventKind = "recovered"           // a failure is over
)

// Event is something that people may want to be told. It contains no secret.
type Event struct {
	Kind   EventKind
	At     time.Time
	Object Object // its subject, usually an ImageUpdateAutomation

	// Message is for people: one or more sentences; for a failure, the reason.
	// For a push it is Flux's text, with the commit message, since filters of
	// Alerts are written for that.
	Message string

	// The following fields are empty if they don't apply.

	Repository  string // host, port if it isn't the scheme's default, and path, such as "github.com/acme/fleet"
	Branch      string // the branch that was pushed to, or the base of a proposal
	Summary     string // of what was written, on one line: images, old and new, and where
	Commit      string // hash of the branch's or pull request's last commit
	PullRequest string // its web address
	Changes     []Change
	Images      []Written    // that the changes write, and where they come from
	Holds       []Hold       // of EventHeld: all holds of the object
	Unverified  []Unverified // of EventUnverified: all of the object
}
