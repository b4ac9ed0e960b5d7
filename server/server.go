// Package server is the HTTP face of a bot that keeps running: health, metrics,
// JSON, a status page, and the entry of webhooks. It is read-only: it displays
// the data of a [Source], and counts in [Metrics].
//
//	/healthz /readyz /metrics   for machines, without a password
//	/hook/                      webhooks, which authenticate themselves
//	/ and /api/v1/              for people; with a password except on loopback
//
// It is the only door to Prometheus' client and to bcrypt.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options configure a server. Listen and Source are required.
type Options struct {
	Listen      string // "host:port" of everything, such as "127.0.0.1:8080"; port 0: a free one
	HooksListen string // "host:port" of webhooks only; "": Listen serves them
	AuthFile    string // users of the status page: lines of htpasswd -B; "": everybody, on loopback only
	CertFile    string // certificate chain, PEM; "": plain HTTP on both addresses
	KeyFile     string // its private key, PEM

	Source  Source
	Metrics *Metrics     // nil: its own
	Hooks   http.Handler // handler below /hook/; nil: none
	Version string       // of the program, for display

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: silent
}

// Server is an HTTP face with open addresses. Call Serve to start it.
type Server struct {
	o      Options
	viewer *viewer
	door   *door // nil: no password is needed
	pages  *pages
	faces  []*face

	explaining chan struct{} // a slot for each concurrent explanation
}

// New opens the addresses and reads the files in o. It refuses to show the
// status page without AuthFile on an address that others can reach. It reads
// files again when they change; if a changed file is invalid, it logs that and
// keeps using the last valid content. Call Serve afterwards, which closes the
// addresses.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(o.Version)
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return nil, fmt.Errorf("listen on %q: write HOST:PORT, such as 127.0.0.1:8080", o.Listen)
	}
	if o.AuthFile == "" && !isLoopback(o.Listen) {
		return nil, fmt.Errorf("listen on %q: others can reach that address, and the status page needs a password there: name a file of htpasswd -B by --auth-file, or listen on 127.0.0.1", o.Listen)
	}
	s := &Server{o: o, viewer: &viewer{source: o.Source}, explaining: make(chan struct{}, explanationsAtOnce)}
	var err error
	if o.AuthFile != "" {
		if s.door, err = newDoor(o.AuthFile, o.Now, o.Log); err != nil {
			return nil, err
		}
		if o.CertFile == "" && !isLoopback(o.Listen) {
			o.Log.Warn("passwords travel in the clear, unless what is in front speaks TLS", "listen", o.Listen)
		}
	}
	if s.pages, err = newPages(o.Version, o.Now); err != nil {
		return nil, err
	}
	if err := o.Metrics.watch(s.viewer, o.Now); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		return nil, err
	}
	return s, nil
}

// listen opens the addresses.
func (s *Server) listen() error {
	config, err := tlsConfig(s.o)
	if err != nil {
		return err
	}
	hooksHere := s.o.HooksListen == ""
	front, err := open(s.o.Listen, s.routes(hooksHere), config, s.o.Log)
	if err != nil {
		return err
	}
	s.faces = append(s.faces, front)
	if hooksHere {
		return nil
	}
	hooks, err := open(s.o.HooksListen, s.hookRoutes(), config, s.o.Log)
	if err != nil {
		return errors.Join(err, front.listener.Close())
	}
	s.faces = append(s.faces, hooks)
	return nil
}

// Addr returns the address of the status page.
func (s *Server) Addr() net.Addr { return s.faces[0].listener.Addr() }

// HooksAddr returns the address of webhooks, which may be the status page's.
func (s *Server) HooksAddr() net.Addr { return s.faces[len(s.faces)-1].listener.Addr() }

// Serve answers requests until ctx ends. Then it waits at most [stopWithin] for
// requests in progress and returns nil. It returns an error if an address
// fails. Call it once.
func (s *Server) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range s.faces {
		g.Go(func() error { return f.serve(ctx) })
	}
	return g.Wait()
}
