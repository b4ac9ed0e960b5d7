package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

const (
	queueLength = 256 // messages for one Provider; a cycle over many repositories sends one for each
	maxTries    = 5
	firstPause  = 2 * time.Second // four times as long after each try: three minutes in all
	maxPause    = 5 * time.Minute // longest pause that a Provider may ask for
)

// lane is the queue of one Provider. It keeps the order of its messages, and a
// slow or absent Provider delays no other.
type lane struct {
	provider *fleet.Provider
	client   *http.Client
	secrets  *login.Scrubber // knows the secrets that are sent beside the message
	o        Options
	queue    chan message
}

// offer queues a message. If the queue is full it drops and reports the
// message.
func (l *lane) offer(m message) {
	select {
	case l.queue <- m:
	default:
		l.report(m, fmt.Errorf("%d others wait already: is it away?", queueLength))
	}
}

// run delivers messages until the queue is closed and empty.
func (l *lane) run(ctx context.Context) {
	defer l.client.CloseIdleConnections()
	for m := range l.queue {
		if err := l.deliver(ctx, m); err != nil {
			l.report(m, err)
		}
	}
}

func (l *lane) report(m message, err error) {
	l.o.Report(fmt.Errorf("tell Provider %s of %s (%s): %w", l.provider.Name, m.object(), m.event.Kind, err))
}

func (l *lane) deliver(ctx context.Context, m message) error {
	requests, err := formats[l.provider.Type](l.provider, m)
	if err != nil {
		return err
	}
	for _, r := range requests {
		if err := l.insist(ctx, r); err != nil {
			return l.secrets.Error(err)
		}
	}
	return nil
}

// insist sends a request, and retries it after a pause if that may help.
func (l *lane) insist(ctx context.Context, r request) error {
	body, err := r.encode()
	if err != nil {
		return err
	}
	pause := firstPause
	for try := 1; ; try++ {
		err := l.send(ctx, r, body)
		var refused *refusal
		switch {
		case err == nil, ctx.Err() != nil, try == maxTries, errors.Is(err, login.ErrRefusedAddress):
			return err
		case errors.As(err, &refused) && !refused.again:
			return err
		}
		wait := pause
		if refused != nil && refused.after > 0 {
			wait = min(refused.after, maxPause)
		}
		if l.o.Sleep(ctx, wait) != nil {
			return err
		}
		pause *= 4
	}
}
