package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/server"
)

// crowd is more connections than an address takes.
const crowd = 700

// answers fails unless a new client is answered.
func answers(t *testing.T, address string) {
	t.Helper()
	fresh := http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, //nolint:gosec // its own certificate
		Timeout:   20 * time.Second,
	}
	response, err := fresh.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s: %s", address, response.Status)
	}
}

// press opens so many connections, says something on each and holds them open.
func press(t *testing.T, address, say string) {
	t.Helper()
	for range crowd {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, say)
	}
}

// TestSilentConnectionsKeepNobodyOut: neither those that say nothing, nor those that
// don't come to the end of a header, of a body that nobody wants, or of a TLS
// handshake, nor those that were answered and stay.
func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	for name, say := range map[string]string{
		"nothing": "",
		"header":  "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"body":    "POST /hook/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n",
		"idle":    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, base := start(t, server.Options{Source: newWorld(fleet()), Hooks: http.NotFoundHandler()})
			press(t, strings.TrimPrefix(base, "http://"), say)
			answers(t, base+"/healthz")
		})
	}
	t.Run("handshake", func(t *testing.T) {
		t.Parallel()
		dir, pair := t.TempDir(), parts.NewCA(t).Server()
		certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
		for name, data := range map[string][]byte{certFile: pair.Cert, keyFile: pair.Key} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, base := start(t, server.Options{Source: newWorld(fleet()), CertFile: certFile, KeyFile: keyFile})
		base = "https://" + strings.TrimPrefix(base, "http://")
		press(t, strings.TrimPrefix(base, "https://"), "\x16\x03\x01")
		answers(t, base+"/healthz")
	})
}

// TestReconnectingClientsKeepNobodyOut: the crowd connects again as soon as it is
// thrown out.
func TestReconnectingClientsKeepNobodyOut(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(fleet())})
	address := strings.TrimPrefix(base, "http://")
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range crowd {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
				if err != nil {
					continue
				}
				leave := context.AfterFunc(ctx, func() { _ = conn.Close() })
				_, _ = conn.Read(make([]byte, 1)) // until it is thrown out
				leave()
				_ = conn.Close()
			}
		})
	}
	defer all.Wait()
	defer stop()
	for range 5 {
		answers(t, base+"/healthz")
	}
}

// TestWhoIsAnsweredKeepsItsPlace: a request that takes long is not thrown out for
// those who come.
func TestWhoIsAnsweredKeepsItsPlace(t *testing.T) {
	goOn, begun := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		_, _ = io.WriteString(w, "done")
	})
	_, base := start(t, server.Options{Source: newWorld(fleet()), Hooks: slow})
	said := make(chan string, 1)
	go func() {
		response, err := http.Get(base + "/hook/slow")
		if err != nil {
			said <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		said <- string(body)
	}()
	<-begun
	press(t, strings.TrimPrefix(base, "http://"), "")
	answers(t, base+"/healthz")
	close(goOn)
	if got := <-said; got != "done" {
		t.Errorf("who was answered got %q", got)
	}
}
