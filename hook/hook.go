// Package hook receives webhooks, at the addresses and with the checks of
// Flux's Receivers, so that senders need no change. A delivery is a hint to
// look at some objects, never data: only the parts that the check needs are
// read.
//
// The path of a receiver is as good as a password. It is in no error, and
// whoever serves a Handler must keep it out of logs and metrics.
package hook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// Prefix begins the path of every receiver.
const Prefix = "/hook/"

// MaxBody bounds the body of a delivery in bytes. It is Flux's bound.
const MaxBody = 3 << 20

// Wake asks for a look at some objects.
type Wake struct {
	Receiver pinsetter.Name
	Objects  []pinsetter.Object // as in fleet.Receiver.Resources; read-only
}

// Options configure a Handler. Only Wake is required.
type Options struct {
	// Wake is called for each delivery that passed its check, before the answer, and
	// for one that is repeated at most every ten seconds. Calls are concurrent. The
	// sender is waiting, and ctx doesn't end when it hangs up. After an error it is
	// answered 503, so that it tries again.
	Wake func(ctx context.Context, w Wake) error

	// Refused, if set, is called with the status and the reason of each request
	// that isn't let in. The name is zero if no receiver has the path.
	Refused func(receiver pinsetter.Name, status int, err error)

	// Dialer opens the connections to Google's keys.
	Dialer login.Dialer

	// Environment.Getenv says whether the environment's proxies are used.
	Environment login.Environment

	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Handler receives deliveries for a set of receivers. It is safe for concurrent
// use.
type Handler struct {
	o         Options
	receivers map[[sha256.Size]byte]*fleet.Receiver // by the digest of the path
	google    *keyring
	repeats   repeats
}

// New returns a handler for the receivers that have a token; one without has no
// path. Flux's way of making paths allows two receivers with one path: then the
// second is left out, and the error names both.
func New(receivers []*fleet.Receiver, o Options) (*Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{o: o, receivers: make(map[[sha256.Size]byte]*fleet.Receiver, len(receivers)), google: newKeyring(o),
		repeats: repeats{until: map[[sha256.Size]byte]time.Time{}, late: map[[sha256.Size]byte]bool{}}}
	var errs []error
	for _, r := range receivers {
		if r.Token.IsZero() {
			continue
		}
		door := sha256.Sum256([]byte(Path(r)))
		if first := h.receivers[door]; first != nil {
			errs = append(errs, fmt.Errorf("serve Receiver %s: it has the path of Receiver %s: give one of them another token", r.Name, first.Name))
			continue
		}
		h.receivers[door] = r
	}
	return h, errors.Join(errs...)
}

// Path returns the path of a receiver's address. It is a secret.
func Path(r *fleet.Receiver) string {
	return fmt.Sprintf("%s%x", Prefix, sha256.Sum256([]byte(r.Token.Reveal()+r.Name.Name+r.Name.Namespace)))
}

// ServeHTTP answers as Flux does: 200, also if a receiver leads to nothing; 400
// if the check or the filter of events refuses; 404 for an unknown path; 413
// for a body over MaxBody; 500 if the check isn't possible now; 503 for a
// receiver that is suspended or has errors, or if Wake fails. Only POST delivers: 405 for other methods,
// which Flux takes. Answers have no body.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Look receivers up by a digest of the path, so that the map's timing can't
	// leak the secret path.
	receiver := h.receivers[sha256.Sum256([]byte(r.URL.Path))]
	if receiver == nil {
		h.refuse(w, pinsetter.Name{}, http.StatusNotFound, errors.New("no receiver has this path"))
		return
	}
	body, status, err := h.judge(w, r, receiver)
	if err != nil {
		h.refuse(w, receiver.Name, status, fmt.Errorf("take a delivery for Receiver %s: %w", receiver.Name, err))
		return
	}
	if err := h.wake(context.WithoutCancel(r.Context()), receiver, body); err != nil {
		h.refuse(w, receiver.Name, http.StatusServiceUnavailable, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// wake asks for a look at what a delivery is about. At a receiver that checks nothing
// there is nothing to repeat: anybody can say something else.
func (h *Handler) wake(ctx context.Context, receiver *fleet.Receiver, body []byte) error {
	if len(receiver.Resources) == 0 {
		return nil
	}
	look := func() error {
		if err := h.o.Wake(ctx, Wake{Receiver: receiver.Name, Objects: receiver.Resources}); err != nil {
			return fmt.Errorf("pass on a delivery for Receiver %s: %w", receiver.Name, err)
		}
		return nil
	}
	if receiver.Type == fleet.ReceiverGeneric {
		return look()
	}
	return h.repeats.look(contentOf(receiver, body), look, func(err error) {
		if h.o.Refused != nil {
			h.o.Refused(receiver.Name, http.StatusServiceUnavailable, err)
		}
	})
}

func (h *Handler) refuse(w http.ResponseWriter, receiver pinsetter.Name, status int, err error) {
	if h.o.Refused != nil {
		h.o.Refused(receiver, status, err)
	}
	w.WriteHeader(status)
}

// judge returns a delivery's body, or why it isn't let in and the status for it.
func (h *Handler) judge(w http.ResponseWriter, r *http.Request, receiver *fleet.Receiver) ([]byte, int, error) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed, fmt.Errorf("its method is %.20q, and deliveries are sent by POST", r.Method)
	case receiver.Suspended:
		return nil, http.StatusServiceUnavailable, errors.New("it is suspended")
	case receiver.Err != nil:
		return nil, http.StatusServiceUnavailable, errors.New("it has errors")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes", MaxBody)
	}
	if err != nil {
		return nil, http.StatusBadRequest, errors.New("the body can't be read to its end")
	}
	check := checks[receiver.Type]
	if check == nil {
		return nil, http.StatusServiceUnavailable, fmt.Errorf("its type %q has no check", receiver.Type)
	}
	err = check(r.Context(), h, delivery{receiver, r.Header, body})
	switch {
	case errors.Is(err, errNoKeys):
		return nil, http.StatusInternalServerError, err
	case err != nil:
		return nil, http.StatusBadRequest, err
	}
	return body, http.StatusOK, nil
}
