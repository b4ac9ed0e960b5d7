package notify

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// natsSubject publishes the message, as Flux does
// (https://fluxcd.io/flux/components/notification/providers/#nats).
func natsSubject(p *fleet.Provider, m message) ([]request, error) {
	return []request{{subject: p.Channel, value: m.inFluxOrder()}}, nil
}

// natsRefusals are errors of NATS that another try doesn't help.
var natsRefusals = []error{
	nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired, nats.ErrPermissionViolation,
	nats.ErrSecureConnRequired, nats.ErrSecureConnWanted, nats.ErrMaxPayload, nats.ErrBadSubject,
}

// publish publishes a body over a connection of its own, and waits until the
// server has read it. A server that forbids the subject says so before that.
func (l *lane) publish(ctx context.Context, subject string, body []byte) error {
	conn, err := l.connectNATS(ctx)
	if err == nil {
		defer conn.Close()
		if err = conn.Publish(subject, body); err == nil {
			err = errors.Join(conn.FlushWithContext(ctx), conn.LastError())
		}
	}
	for _, refused := range natsRefusals {
		if errors.Is(err, refused) {
			return &refusal{said: line(clean(err.Error()), maxSaid) + ": check the login, and whether it may publish on the channel's subject"}
		}
	}
	if err != nil {
		return l.unspoken(err)
	}
	return nil
}

// connectNATS connects to one of the Provider's servers, and to no other that
// these name.
func (l *lane) connectNATS(ctx context.Context) (*nats.Conn, error) {
	p := l.provider
	options := []nats.Option{
		nats.Name(reporter), nats.NoReconnect(), nats.IgnoreDiscoveredServers(), nats.Timeout(p.Timeout),
		nats.SetCustomDialer(natsDialer{ctx, l.o.Dialer}), nats.SkipHostLookup(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // conn.LastError has it; the default prints
	}
	if p.Username != "" {
		options = append(options, nats.UserInfo(p.Username, p.Password.Reveal()))
	} else if !p.Token.IsZero() {
		options = append(options, nats.Token(p.Token.Reveal()))
	}
	if len(p.TLS.CA) > 0 || len(p.TLS.Cert) > 0 || strings.Contains(p.Address.Reveal(), "tls://") {
		config, err := login.TLSConfig(p.TLS, " of certSecretRef")
		if err != nil {
			return nil, err
		}
		options = append(options, nats.Secure(config))
	}
	return nats.Connect(p.Address.Reveal(), options...)
}

// natsDialer opens the connections of one attempt.
type natsDialer struct {
	ctx context.Context //nolint:containedctx // nats.CustomDialer has none
	d   login.Dialer
}

func (d natsDialer) Dial(network, address string) (net.Conn, error) {
	return d.d.DialContext(d.ctx, network, address)
}
