package gitops

import (
	"context"
	"net/url"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/gitops/sshclient"
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
