package parts

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Clouds are hosts of clouds as a client sees them through a proxy: https
// servers under their real names. A host that nobody serves can't be reached,
// so that a test shows every host that is asked.
type Clouds struct {
	Front        // the proxy, for HTTPS_PROXY
	CA    *CA    // of the hosts' certificates
	File  string // the CA's certificate, for SSL_CERT_FILE
	Hosts *Log   // requests to all hosts

	t  T
	mu sync.Mutex
	at map[string]http.Handler
}

// NewClouds starts a proxy to hosts that Serve adds. It ends with t.
func NewClouds(t T) *Clouds {
	t.Helper()
	c := &Clouds{CA: NewCA(t), Hosts: &Log{}, t: t, at: map[string]http.Handler{}}
	c.File = filepath.Join(Dir(t), "clouds.pem")
	if err := os.WriteFile(c.File, c.CA.PEM, 0o600); err != nil {
		t.Fatalf("write the clouds' certificate: %v", err)
	}
	c.Front = Serve(t, http.HandlerFunc(c.connect), FrontOptions{})
	return c
}

// Serve makes h the host's server.
func (c *Clouds) Serve(host string, h http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[host] = h
}

// Count returns the number of requests to a host with a path that contains part.
func (c *Clouds) Count(host, part string) int {
	n := 0
	for _, r := range c.Hosts.All() {
		if r.Host == host && strings.Contains(r.Path, part) {
			n++
		}
	}
	return n
}

// connect answers a CONNECT as the host that it names.
func (c *Clouds) connect(w http.ResponseWriter, r *http.Request) {
	host, port, _ := net.SplitHostPort(r.Host)
	c.mu.Lock()
	h := c.at[host]
	c.mu.Unlock()
	if r.Method != http.MethodConnect || port != "443" || h == nil {
		http.Error(w, "no such host: "+r.Host, http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	pair := c.CA.Host(host)
	certificate, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		_ = client.Close()
		return
	}
	settings := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	one := &oneConn{conn: tls.Server(bufferedConn{client, buffered.Reader}, settings), done: make(chan struct{})}
	server := &http.Server{ReadHeaderTimeout: time.Minute, ErrorLog: quiet, Handler: c.Hosts.record(only(host, h))}
	_ = server.Serve(one)
}

// only refuses requests for another host than the connection's.
func only(host string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host && r.Host != host+":443" {
			http.Error(w, "the Host header is not "+host, http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// bufferedConn is a connection of which something was read ahead.
type bufferedConn struct {
	net.Conn
	ahead *bufio.Reader
}

func (c bufferedConn) Read(p []byte) (int, error) { return c.ahead.Read(p) }

// oneConn is a listener for one connection.
type oneConn struct {
	mu   sync.Mutex
	conn net.Conn
	done chan struct{}
}

// Accept returns the connection, and then waits until that is closed.
func (l *oneConn) Accept() (net.Conn, error) {
	l.mu.Lock()
	conn := l.conn
	l.conn = nil
	l.mu.Unlock()
	if conn == nil {
		<-l.done
		return nil, net.ErrClosed
	}
	return closing{conn, sync.OnceFunc(func() { close(l.done) })}, nil
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// closing tells when a connection is closed.
type closing struct {
	net.Conn
	closed func()
}

func (c closing) Close() error {
	defer c.closed()
	return c.Conn.Close()
}
