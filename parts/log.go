package parts

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// Request is a request to a part.
type Request struct {
	Method string
	Host   string // the Host header
	Path   string
	Query  url.Values
	Header http.Header
	Remote string // the client's address and port: unique for each connection
	Status int    // 200 unless another one is sent
}

// Log is the requests to a part, in order. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	requests []Request
	epoch    int // number of resets

	received, sent atomic.Int64
}

// All returns a copy of the log.
func (l *Log) All() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Request(nil), l.requests...)
}

// Count returns the number of requests with this method and a path that
// contains part. An empty method or part matches all.
func (l *Log) Count(method, part string) int {
	n := 0
	for _, r := range l.All() {
		if (method == "" || r.Method == method) && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// Connections returns the number of connections that the requests came over.
func (l *Log) Connections() int {
	remotes := map[string]bool{}
	for _, r := range l.All() {
		remotes[r.Remote] = true
	}
	return len(remotes)
}

// Bytes returns all bytes that the part received and sent on its connections.
func (l *Log) Bytes() (received, sent int64) { return l.received.Load(), l.sent.Load() }

// Reset empties the log and sets the byte counts to 0.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = nil
	l.received.Store(0)
	l.sent.Store(0)
	l.epoch++
}

// record returns a handler that logs every request and passes it to next.
func (l *Log) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		i := len(l.requests)
		epoch := l.epoch
		l.requests = append(l.requests, Request{
			Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.Query(),
			Header: r.Header.Clone(), Remote: r.RemoteAddr, Status: http.StatusOK,
		})
		l.mu.Unlock()
		next.ServeHTTP(&statusWriter{ResponseWriter: w, note: func(status int) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.epoch == epoch {
				l.requests[i].Status = status
			}
		}}, r)
	})
}

// statusWriter records the status before it is sent.
type statusWriter struct {
	http.ResponseWriter
	note func(status int)
}

func (w *statusWriter) WriteHeader(status int) {
	w.note(status)
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
