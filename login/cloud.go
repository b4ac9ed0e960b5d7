package login

import (
	"errors"
	"time"

	"github.com/pinsetter/pinsetter"
)

// ErrNoIdentity is in the chain of every error that says that a cloud gives
// this process no identity: it runs outside of the cloud, or nobody assigned
// one. An identity that is refused is another error.
var ErrNoIdentity = errors.New("no identity")

// CloudRequest asks for a login to one host of a cloud.
type CloudRequest struct {
	Provider string           // AWS, Azure, GCP or Kubernetes
	Host     string           // as in an image; one with a port is no cloud's
	Proxy    *pinsetter.Proxy // to the cloud's APIs; nil: the environment's proxies
	TLS      pinsetter.TLS    // of the host, if the host itself issues tokens

	Token pinsetter.TokenWanted // of Kubernetes

	// Refused is a password that the host refused. A login with another one is
	// returned, or the same if that is younger than a minute: a new one would
	// be refused too.
	Refused pinsetter.Secret
}

// CloudLogin is a login that a cloud gave for one of its hosts.
type CloudLogin struct {
	Username string           // "": Password is a bearer token
	Password pinsetter.Secret // its name tells the cloud and the scope
	Identity string           // who is logged in, in words for people
	Needs    string           // the role or permission to give it if the host refuses
	Until    time.Time        // end of its validity
}
