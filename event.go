package pinsetter

import "time"

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventPushed    EventKind = "pushed"    // changes were pushed to the branch that is read
	EventProposed  EventKind = "proposed"  // a pull request was opened, or others changes are in it
	EventMerged    EventKind = "merged"    // a pull request was merged
	EventHeld      EventKind = "held"      // better candidates exist and are not written
	EventFailed    EventKind = "failed"    // something did not work and needs somebody
	EventRecovered EventKind = "recovered" // what had failed works again
)

// Event is something that people may want to hear of. It holds no secret.
type Event struct {
	Kind    EventKind
	At      time.Time
	Object  Object // what it is about; the object of an ImageUpdateAutomation, mostly
	Message string // for people: one or more sentences; of a failure, the reason

	// What follows is empty where it doesn't apply.

	Repository  string // host, port where it isn't the scheme's own, and path, such as "github.com/acme/fleet"
	Branch      string // that was pushed to, or is proposed to
	Commit      string // hash of the branch's or pull request's last commit
	PullRequest string // its URL for people
	Changes     []Change
	Holds       []Hold // of EventHeld: all of the object's
}
