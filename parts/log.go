package parts

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Request is one request that a part answered.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Remote string // the client's address and port: one a connection
	Status int
}

// Log is the requests that a part answered, in the order in which they were
// answered. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	requests []Request
}

// All returns a copy of the log.
func (l *Log) All() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Request(nil), l.requests...)
}

// Count returns how many requests had this method and a path that contains
// part. An empty method or part matches all.
func (l *Log) Count(method, part string) int {
	n := 0
	for _, r := range l.All() {
		if (method == "" || r.Method == method) && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// Connections returns how many connections the requests came over.
func (l *Log) Connections() int {
	remotes := map[string]bool{}
	for _, r := range l.All() {
		remotes[r.Remote] = true
	}
	return len(remotes)
}

// Reset empties the log.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = nil
}

// record returns next with every request written to the log once it is answered.
func (l *Log) record(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := Request{
			Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
			Header: r.Header.Clone(), Remote: r.RemoteAddr,
		}
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			seen.Status = answer.status
			l.mu.Lock()
			defer l.mu.Unlock()
			l.requests = append(l.requests, seen)
		}()
		next.ServeHTTP(answer, r)
	})
}

// statusWriter remembers the status that was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
