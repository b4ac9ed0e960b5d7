//go:build e2e

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// slowObjects are an automation with an image at a registry of its own.
const slowObjects = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: a-NUMBER}
spec: {image: REG/app, interval: 1h, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: a-NUMBER}
spec: {imageRepositoryRef: {name: a-NUMBER}, policy: {semver: {range: 1.x}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: a-NUMBER}
spec: {url: REPO, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: a-NUMBER}
spec:
  interval: 1s
  sourceRef: {kind: GitRepository, name: a-NUMBER}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
`

// drips answers a byte a second.
func drips(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	for tick := time.NewTicker(time.Second); r.Context().Err() == nil; {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
		}
	}
}

// TestSlowPeersStopNobody: four registries that give a byte a second, and 700
// clients that say nothing or come back as soon as they are thrown out. The
// automation whose registry is well goes on at its interval, /healthz answers, and
// the log and the metrics say who is waited for.
func TestSlowPeersStopNobody(t *testing.T) {
	f := newRig(t, "main")
	git := parts.NewGit(t, parts.GitOptions{})
	for i := range 4 {
		slow := parts.Serve(t, http.HandlerFunc(drips), parts.FrontOptions{})
		number := fmt.Sprint(i)
		repo := git.NewRepository("a-"+number, parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{
			"a.yaml": "image: " + slow.Addr + "/app:1.0.0 # {\"$imagepolicy\": \"default:a-" + number + "\"}\n",
		}}})
		f.edit(t, func(text string) string {
			return text + strings.NewReplacer("NUMBER", number, "REG", slow.Addr, "REPO", repo.URL).Replace(slowObjects)
		})
	}
	f.edit(t, func(text string) string {
		return strings.Replace(strings.Replace(text, "interval: 5m, insecure", "interval: 1s, insecure", 1), "\n  interval: 5m\n", "\n  interval: 1s\n", 1)
	})
	d := f.serve(t)
	shows := func(tag string) func() bool {
		return func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "app:"+tag) }
	}
	d.until("the first run", shows("1.1.0"))

	address := strings.TrimPrefix(d.url, "http://")
	enough := make(chan struct{}) // the clients that come back are
	for i := range 700 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			t.Cleanup(func() { _ = conn.Close() })
			continue
		}
		go func() {
			for again := conn; ; {
				_, _ = again.Read(make([]byte, 1)) // until it is thrown out
				_ = again.Close()
				select {
				case <-enough:
					return
				default:
				}
				next, err := net.Dial("tcp", address)
				if err != nil {
					return // the daemon has ended
				}
				again = next
			}
		}()
	}
	for minor := 2; minor < 6; minor++ {
		tag := fmt.Sprintf("1.%d.0", minor)
		f.registry.Push("org/app", tag)
		d.until(tag, shows(tag))
		http.DefaultClient.CloseIdleConnections()
		d.until("/healthz answers", func() bool { status, _ := d.get("/healthz"); return status == http.StatusOK })
	}
	close(enough)
	d.until("the log says who is waited for", func() bool { return strings.Contains(d.said(), "still waiting for a server") })
	d.until("so do the metrics", func() bool {
		_, body := d.get("/metrics")
		return strings.Contains(body, "\npinsetter_wait_seconds{host=\"127.0.0.1:")
	})
	// A ping and a list are cut off after 20 seconds each, at the second look.
	d.until("so does the page, once nothing more is hoped for", func() bool {
		_, body := d.get("/api/v1/automations")
		return strings.Contains(body, "1024 a second is the least")
	})
}
