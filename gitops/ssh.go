package gitops

import (
	"context"
	"fmt"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/gitops/sshclient"
	"github.com/pinsetter/pinsetter/pause"
)

// sshTransport returns a transport over ssh.
func sshTransport(u *url.URL, auth fleet.GitAuth, offered refusal.Sent, o Options, bounds Bounds) (transport.Transport, error) {
	server, err := sshclient.New(u, auth, offered.What, o.Environment, o.Dialer)
	if err != nil {
		return nil, err
	}
	start := func(ctx context.Context, command string, e *transport.Endpoint) (running *stream, err error) {
		err = o.persist(ctx, func() error {
			said := new(tail)
			session, err := server.Start(ctx, command+" "+sshclient.Quoted(e.Path), said)
			if err == nil {
				running = &stream{in: session.In, out: session.Out, said: said, wait: session.Wait, cancel: session.End}
			}
			return err
		})
		return running, err
	}
	return streamTransport{start, bounds}, nil
}

// mostDials bounds how often a server is dialed again after a passing failure,
// as at registries.
const mostDials = 4

// persist calls dial until it succeeds, or fails for good.
func (o Options) persist(ctx context.Context, dial func() error) error {
	for retries := 0; ; retries++ {
		err := dial()
		if err == nil || retries == mostDials || !pause.Passing(err) {
			return err
		}
		if ended := o.Sleep(ctx, pause.Backoff(retries, o.Random())); ended != nil {
			return fmt.Errorf("%w: %w", ended, err)
		}
	}
}
