package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Bounds on one client of an address. The page needs far less; a webhook may
// have 25 MB (GitHub's bound) and come over a slow line.
const (
	headerWithin = 10 * time.Second
	readWithin   = time.Minute
	writeWithin  = 2 * time.Minute
	idleWithin   = 2 * time.Minute
	maxHeader    = 32 << 10 // bytes

	// stopWithin is less than the 30 s that Kubernetes gives a container to
	// stop.
	stopWithin = 10 * time.Second
)

// face is an address and its handler.
type face struct {
	listener net.Listener
	server   *http.Server
}

func open(address string, handler http.Handler, config *tls.Config, log *slog.Logger) (*face, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, cause(err))
	}
	return &face{
		listener: newGuests(listener, maxGuests),
		server: &http.Server{
			Handler:           heard(handler),
			ConnContext:       known,
			TLSConfig:         config,
			ReadHeaderTimeout: headerWithin,
			ReadTimeout:       readWithin,
			WriteTimeout:      writeWithin,
			IdleTimeout:       idleWithin,
			MaxHeaderBytes:    maxHeader,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // mistakes of clients
		},
	}, nil
}

// cause returns why an operation failed, without repeating the operation.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func (f *face) serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		if f.server.TLSConfig != nil {
			ended <- f.server.ServeTLS(f.listener, "", "")
			return
		}
		ended <- f.server.Serve(f.listener)
	}()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", f.listener.Addr(), err)
	case <-ctx.Done():
	}
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := f.server.Shutdown(rest); err != nil {
		_ = f.server.Close() // the remaining clients had their time to finish
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", f.listener.Addr(), err)
	}
	return nil
}

// isLoopback reports whether only this machine can reach "host:port". A name
// other than localhost may resolve to anything, and no host means all
// addresses.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLocal(host)
}

// isLocal reports whether a host is this machine: localhost or a loopback
// address.
func isLocal(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// tlsConfig returns nil if no certificate is given.
func tlsConfig(o Options) (*tls.Config, error) {
	if o.CertFile == "" && o.KeyFile == "" {
		return nil, nil
	}
	if o.CertFile == "" || o.KeyFile == "" {
		return nil, errors.New("TLS needs a certificate and its key: name both files")
	}
	pair, err := reread([]string{o.CertFile, o.KeyFile}, o.Log, func(files [][]byte) (*tls.Certificate, error) {
		cert, err := tls.X509KeyPair(files[0], files[1])
		return &cert, err
	})
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.now(), nil },
	}, nil
}
