package fleet

import "github.com/pinsetter/pinsetter"

// Receiver is an address that others tell that something has changed.
type Receiver struct {
	Name   pinsetter.Name
	Origin Origin
	Type   string   // one of the Receiver constants
	Events []string // that count, for types that name theirs; empty: all

	// Resources are the objects to look at, sorted: those that were given of
	// kinds that are looked at. APIVersion is left out.
	Resources []pinsetter.Object

	// Token is the key "token" of the Secret, byte for byte, as the path that
	// senders know is made of it.
	Token pinsetter.Secret

	// Email and Audience are what Google's token must say, of ReceiverGCR alone.
	Email    string
	Audience string

	Suspended bool

	// Err is nil when the receiver is usable. Everything it joins is also in
	// Set.Findings.
	Err error
}

// The types of a Receiver.
const (
	ReceiverGeneric     = "generic"
	ReceiverGenericHMAC = "generic-hmac"
	ReceiverGitHub      = "github" // and Gitea
	ReceiverGitLab      = "gitlab"
	ReceiverBitbucket   = "bitbucket" // the server
	ReceiverHarbor      = "harbor"
	ReceiverDockerHub   = "dockerhub"
	ReceiverQuay        = "quay"
	ReceiverNexus       = "nexus"
	ReceiverACR         = "acr"
	ReceiverGCR         = "gcr"
	ReceiverCDEvents    = "cdevents"
)
