package parts

import (
	"crypto/subtle"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// FrontOptions configure any HTTP part that runs in this process. The zero
// value is plain HTTP without a login.
type FrontOptions struct {
	TLS     *TLS          // nil: plain HTTP
	Latency time.Duration // delay before each answer

	// User and Password are required by HTTP Basic if User is set, and Bearer
	// as a bearer token if that is set. If both are set, either is enough.
	User, Password string
	Bearer         string

	// Around may wrap the handler to inject faults; nil: none. Requests that it
	// answers are logged too.
	Around func(next http.Handler) http.Handler
}

// Front is the address and the log of an HTTP part.
type Front struct {
	Addr string // "127.0.0.1:PORT"
	URL  string // "http://127.0.0.1:PORT", or https
	Log  *Log
}

// Serve serves h at a free port until t ends.
func Serve(t T, h http.Handler, o FrontOptions) Front {
	t.Helper()
	front := Front{Log: &Log{}}
	if o.Around != nil {
		h = o.Around(h)
	}
	h = front.Log.record(o.delay(o.authorize(h)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	listener = countedListener{listener, front.Log}
	front.Addr = listener.Addr().String()
	front.URL = "http://" + front.Addr
	if o.TLS != nil {
		front.URL = "https://" + front.Addr
		listener = tls.NewListener(listener, o.TLS.config(t))
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: quiet}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return front
}

// quiet discards http.Server's messages about clients that hang up.
var quiet = log.New(io.Discard, "", 0)

// delay waits before next answers, or until the client gives up.
func (o FrontOptions) delay(next http.Handler) http.Handler {
	if o.Latency == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(o.Latency):
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}

// authorize answers 401 unless a request has the required credentials.
func (o FrontOptions) authorize(next http.Handler) http.Handler {
	if o.User == "" && o.Bearer == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.admits(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="parts"`)
		http.Error(w, "authentication required", http.StatusUnauthorized)
	})
}

func (o FrontOptions) admits(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return o.Bearer != "" && equal(token, o.Bearer)
	}
	user, password, ok := r.BasicAuth()
	return ok && o.User != "" && equal(user, o.User) && equal(password, o.Password)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
