package server

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/pinsetter/pinsetter"
)

const (
	// explanationsAtOnce bounds concurrent explanations, since each may fetch
	// repositories and list tags.
	explanationsAtOnce = 4
	explainWithin      = time.Minute
)

// errBusy says that too many explanations are in progress.
var errBusy = errors.New("too many explanations are being made: try again in a moment")

// routes returns the handler for Listen. Hooks says whether it serves webhooks
// too.
func (s *Server) routes(hooks bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.o.Metrics.handler(s.o.Log))
	if hooks && s.o.Hooks != nil {
		mux.Handle("/hook/", s.o.Hooks)
	}
	private := http.NewServeMux()
	s.routeAPI(private)
	s.routePages(private)
	if s.door != nil {
		mux.Handle("/", s.door.guard(private))
	} else {
		mux.Handle("/", localOnly(private))
	}
	return secured(mux)
}

// hookRoutes returns the handler for HooksListen.
func (s *Server) hookRoutes() http.Handler {
	mux := http.NewServeMux()
	if s.o.Hooks != nil {
		mux.Handle("/hook/", s.o.Hooks)
	}
	return secured(mux)
}

// ready answers 200 once objects are loaded.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if s.o.Source.Status() == nil {
		say(w, http.StatusServiceUnavailable, "the objects are not loaded yet")
		return
	}
	say(w, http.StatusOK, "ok")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client may be gone
}

// contentPolicy lets a page show itself, load our style and icon, and send a
// search to us; nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured sets the security headers of all answers. It forbids caching except
// for answers that allow it.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// localOnly refuses requests whose Host is not this machine. Otherwise, with
// DNS rebinding, any web site that the user visits could read a page without a
// password, by giving its own name a loopback address.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !isLocal(host) {
			say(w, http.StatusMisdirectedRequest, "without --auth-file this page is shown as localhost alone: name such a file, or let the proxy in front send localhost as Host")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// explain asks the source for an explanation, unless too many are in progress.
func (s *Server) explain(r *http.Request) (*Explanation, error) {
	select {
	case s.explaining <- struct{}{}:
		defer func() { <-s.explaining }()
	default:
		return nil, errBusy
	}
	ctx, cancel := context.WithTimeout(r.Context(), explainWithin)
	defer cancel()
	e, err := s.o.Source.Explain(ctx, nameOf(r))
	if err != nil {
		return nil, err
	}
	answer := *e
	answer.Tags, answer.Sites = nonNil(e.Tags), nonNil(e.Sites)
	return &answer, nil
}

// nameOf returns the object in a request's path.
func nameOf(r *http.Request) pinsetter.Name {
	return pinsetter.Name{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
}
