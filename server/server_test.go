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
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/server"
)

func TestReadyOnceTheObjectsAreLoaded(t *testing.T) {
	w := newWorld(nil)
	_, base := start(t, server.Options{Source: w})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200, "/": 503, "/api/v1/status": 503} {
		if status, body := get(t, base+path); status != want {
			t.Errorf("before: %s: %d %s", path, status, body)
		}
	}
	w.status.Store(fleet())
	for _, path := range []string{"/healthz", "/readyz", "/", "/api/v1/status"} {
		if status, body := get(t, base+path); status != 200 {
			t.Errorf("after: %s: %d %s", path, status, body)
		}
	}
}

func TestEveryAnswerIsBoundToThisPlace(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(fleet())})
	for _, path := range []string{"/", "/policies", "/api/v1/policies", "/healthz", "/no-such-page", "/metrics"} {
		response, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		} {
			if got := response.Header.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s: %q", path, name, got)
			}
		}
	}
}

func TestNothingCanBeSent(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(fleet())})
	for _, path := range []string{"/", "/policies", "/api/v1/status", "/healthz", "/readyz", "/metrics"} {
		response, err := http.Post(base+path, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %s", path, response.Status)
		}
	}
}

func TestAnAddressThatOthersReachNeedsAPassword(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "status.example.com:0"} {
		_, err := server.New(server.Options{Listen: address, Source: newWorld(nil)})
		if err == nil || !strings.Contains(err.Error(), "--auth-file") {
			t.Errorf("%s: %v", address, err)
		}
	}
	file := passwords(t, "ada", "lovelace")
	for _, address := range []string{"", "nonsense", "8080", "localhost"} {
		if _, err := server.New(server.Options{Listen: address, AuthFile: file, Source: newWorld(nil)}); err == nil || !strings.Contains(err.Error(), "write HOST:PORT") {
			t.Errorf("listen on %q: %v", address, err)
		}
	}
	start(t, server.Options{Listen: "0.0.0.0:0", AuthFile: file, Source: newWorld(nil)})
	start(t, server.Options{Listen: "localhost:0", HooksListen: "0.0.0.0:0", Source: newWorld(nil)})
}

func TestWithoutAPasswordThePageIsLocal(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(fleet())})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "127.0.0.1:1": 200, "[::1]:8080": 200,
		"rebound.example.com": 421, "rebound.example.com:8080": 421, "192.0.2.1": 421, "localhost.example.com": 421,
	} {
		request, err := http.NewRequest(http.MethodGet, base+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", host, response.Status)
		}
	}
}

func TestWebhooksHaveAnAddressOfTheirOwnWhereOneIsNamed(t *testing.T) {
	hooks := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method+" "+r.URL.Path) })
	post := func(url string) (int, string) {
		response, err := http.Post(url, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	file := passwords(t, "ada", "lovelace")

	s, base := start(t, server.Options{Source: newWorld(fleet()), Hooks: hooks, AuthFile: file})
	if s.HooksAddr() != s.Addr() {
		t.Errorf("webhooks come by %s", s.HooksAddr())
	}
	if status, body := post(base + "/hook/abc"); status != 200 || body != "POST /hook/abc" {
		t.Errorf("%d %s", status, body)
	}

	s, base = start(t, server.Options{Source: newWorld(fleet()), Hooks: hooks, AuthFile: file, HooksListen: "127.0.0.1:0"})
	apart := "http://" + s.HooksAddr().String()
	if status, body := post(apart + "/hook/abc"); status != 200 || body != "POST /hook/abc" {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := post(base + "/hook/abc"); status == 200 {
		t.Error("webhooks come by the address of the status page too")
	}
	for _, path := range []string{"/", "/metrics", "/healthz", "/api/v1/status"} {
		if status, _ := get(t, apart+path); status != 404 {
			t.Errorf("%s is to be had at the address of webhooks: %d", path, status)
		}
	}
}

func TestACertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write := func(pair parts.Pair) {
		for name, data := range map[string][]byte{certFile: pair.Cert, keyFile: pair.Key} {
			replace(t, name, data)
		}
	}
	first, second := parts.NewCA(t), parts.NewCA(t)
	write(first.Server())
	_, base := start(t, server.Options{Source: newWorld(fleet()), CertFile: certFile, KeyFile: keyFile})
	ask := func(ca *parts.CA) error {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
		defer transport.CloseIdleConnections()
		response, err := (&http.Client{Transport: transport}).Get(strings.Replace(base, "http:", "https:", 1) + "/healthz")
		if err != nil {
			return err
		}
		return response.Body.Close()
	}
	if err := ask(first); err != nil {
		t.Fatal(err)
	}
	replace(t, certFile, []byte("broken"))
	if err := ask(first); err != nil {
		t.Errorf("a broken file: %v", err)
	}
	write(second.Server())
	if err := ask(second); err != nil {
		t.Errorf("a new certificate: %v", err)
	}
}

// replace exchanges a file as Kubernetes and careful programs do.
func replace(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	huge := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(huge, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		o    server.Options
		want string
	}{
		{"taken", server.Options{Listen: taken.Addr().String()}, "address already in use"},
		{"taken for hooks", server.Options{HooksListen: taken.Addr().String()}, "address already in use"},
		{"no key", server.Options{CertFile: "tls.crt"}, "name both files"},
		{"no certificate", server.Options{CertFile: "/no/tls.crt", KeyFile: "/no/tls.key"}, "read /no/tls.crt: no such file"},
		{"no passwords", server.Options{AuthFile: "/no/users"}, "read /no/users: no such file"},
		{"a large file", server.Options{AuthFile: huge}, "more than 1024 KiB"},
	} {
		if test.o.Listen == "" {
			test.o.Listen = "127.0.0.1:0"
		}
		test.o.Source = newWorld(nil)
		if _, err := server.New(test.o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestServeLetsAnswersEnd(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	hooks := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-answer
		_, _ = io.WriteString(w, "done")
	})
	s, err := server.New(server.Options{Listen: "127.0.0.1:0", Source: newWorld(nil), Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	got := make(chan string, 1)
	go func() {
		_, body := get(t, "http://"+s.Addr().String()+"/hook/slow")
		got <- body
	}()
	<-asked
	cancel()
	for { // until nobody is let in any more
		conn, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		_ = conn.Close()
		time.Sleep(time.Millisecond)
	}
	close(answer)
	if body := <-got; body != "done" {
		t.Errorf("%q", body)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
