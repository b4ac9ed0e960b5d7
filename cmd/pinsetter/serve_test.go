package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/hook"
	"github.com/pinsetter/pinsetter/parts"
)

// daemon is a pinsetter that serves.
type daemon struct {
	t       testing.TB
	process *exec.Cmd
	url     string

	mu    sync.Mutex
	log   strings.Builder
	ended bool // it says nothing more
}

// servingAt is where the program says that it listens.
var servingAt = regexp.MustCompile(`serving: (\S+) has`)

// serve starts a pinsetter on the fleet's objects until the test ends.
func (f *rig) serve(t testing.TB, args ...string) *daemon {
	t.Helper()
	return serve(t, "", append([]string{"-f", f.objects}, args...)...)
}

// serve starts a pinsetter until the test ends.
func serve(t testing.TB, stdin string, args ...string) *daemon {
	t.Helper()
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--log-level", "info"}, args...)
	d := &daemon{t: t, process: exec.Command("pinsetter", args...)}
	d.process.Env = append(os.Environ(), "PINSETTER_STATE=sqlite:"+filepath.Join(t.TempDir(), "state.db"))
	d.process.Stdin = strings.NewReader(stdin)
	stderr, err := d.process.StderrPipe()
	if err == nil {
		err = d.process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.process.Process.Kill() })
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			d.mu.Lock()
			d.log.WriteString(lines.Text() + "\n")
			d.mu.Unlock()
		}
		d.mu.Lock()
		d.ended = true
		d.mu.Unlock()
	}()
	d.until("it listens", func() bool {
		found := servingAt.FindStringSubmatch(d.said())
		if found != nil {
			d.url = found[1]
		}
		return found != nil
	})
	return d
}

func (d *daemon) said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// until waits for something to be so, as long as the daemon runs.
func (d *daemon) until(what string, is func() bool) {
	d.t.Helper()
	so := false
	if !parts.Comes(func() bool {
		d.mu.Lock()
		ended := d.ended
		d.mu.Unlock()
		so = is()
		return so || ended
	}) || !so {
		d.t.Fatalf("waited in vain for: %s\n%s", what, d.said())
	}
}

// get returns the status and the body of an answer.
func (d *daemon) get(path string) (int, string) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, d.url+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

const servedReceiver = `---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: pushes}
spec:
  type: generic
  secretRef: {name: hook}
  resources: [{kind: ImageRepository, name: app}]
---
apiVersion: v1
kind: Secret
metadata: {name: hook}
stringData: {token: sesame}
`

// TestServe is the life of a daemon: it begins with a run, runs again when a
// webhook asks for it, takes up an edit, refuses a broken one, and ends when it is
// told.
func TestServe(t *testing.T) {
	f := newRig(t, "main")
	f.registry.Push("org/app", "1.0.0", "1.1.0")
	f.edit(t, func(text string) string { return text + servedReceiver })
	d := f.serve(t, "--batch", "50ms", "--reload", "50ms")
	shows := func(tag string) func() bool {
		return func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "app:"+tag) }
	}
	d.until("the first run", shows("1.1.0"))
	d.until("it is ready", func() bool { status, _ := d.get("/readyz"); return status == http.StatusOK })

	f.registry.Push("org/app", "1.2.0", "2.0.0")
	path := hook.Path(&fleet.Receiver{Name: pinsetter.Name{Namespace: "default", Name: "pushes"}, Token: pinsetter.NewSecret("", "sesame")})
	response, err := http.Post(d.url+path, "application/json", strings.NewReader("{}"))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("webhook: %v %v", response, err)
	}
	_ = response.Body.Close()
	d.until("the run that a webhook asked for", shows("1.2.0"))

	f.edit(t, func(text string) string { return strings.Replace(text, "range: ^1.0.0", "range: banana", 1) })
	d.until("the broken edit is said", func() bool {
		return strings.Contains(d.said(), "an edit is broken") && strings.Contains(d.said(), "banana")
	})
	f.edit(t, func(text string) string { return strings.Replace(text, "range: banana", "range: ^2.0.0", 1) })
	d.until("the run after the edit was mended", func() bool { return strings.Contains(d.said(), "the objects have changed") })

	for path, want := range map[string]string{
		"/": "default/app", "/healthz": "ok", "/metrics": "pinsetter_", "/policies/default/app": "2.0.0",
		"/api/v1/automations": `"name": "apps"`,
	} {
		d.until(path, func() bool {
			status, body := d.get(path)
			return status == http.StatusOK && strings.Contains(strings.ReplaceAll(body, `":"`, `": "`), want)
		})
	}
	if strings.Contains(d.said(), "sesame") || strings.Contains(d.said(), path) {
		t.Errorf("a secret shows in\n%s", d.said())
	}
	var policies []struct{ Tag string }
	d.until("the page shows what is selected now", func() bool {
		_, body := d.get("/api/v1/policies")
		return json.Unmarshal([]byte(body), &policies) == nil && len(policies) == 1 && policies[0].Tag == "2.0.0"
	})
	if err := d.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.process.Wait(); err != nil {
		t.Errorf("it ends with %v\n%s", err, d.said())
	}
}

// edit changes the fleet's objects.
func (f *rig) edit(t testing.TB, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(f.objects)
	if err == nil {
		err = os.WriteFile(f.objects, []byte(change(string(text))), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestServeIsRefused: what would stand open isn't begun.
func TestServeIsRefused(t *testing.T) {
	f := newRig(t, "main")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, "auth"},
		{[]string{"--listen", "nowhere"}, "nowhere"},
		{[]string{"--shard", "3/2"}, "--shard"},
		{[]string{"--batch", "-1s"}, "--batch"},
		{[]string{"--tls-cert", "nowhere.pem"}, "tls"},
	} {
		args := append([]string{"serve", "-f", f.objects, "--state", "none"}, test.args...)
		out, err := exec.Command("pinsetter", args...).CombinedOutput()
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || exit.ExitCode() != cli.StatusUsage || !strings.Contains(strings.ToLower(string(out)), test.want) {
			t.Errorf("%v: %v\n%s", test.args, err, out)
		}
	}
}

// TestServeElectsALeader: of two daemons on one state one works, and the other
// takes over when it ends.
func TestServeElectsALeader(t *testing.T) {
	f := newRig(t, "main")
	f.registry.Push("org/app", "1.0.0", "1.1.0")
	state := []string{"--leader-elect", "--batch", "50ms", "--reload", "50ms", "--state", "sqlite:" + filepath.Join(t.TempDir(), "shared.db")}
	first := f.serve(t, state...)
	first.until("the first leads", func() bool { return strings.Contains(first.said(), "msg=leading") })
	second := f.serve(t, state...)
	second.until("it waits", func() bool { return strings.Contains(second.said(), "waiting for the lead") })
	if strings.Contains(second.said(), "msg=leading") {
		t.Fatal("both lead")
	}
	if err := first.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	second.until("it takes over", func() bool { return strings.Contains(second.said(), "msg=leading") })

	out, err := exec.Command("pinsetter", "serve", "-f", f.objects, "--state", "none", "--leader-elect").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--state") {
		t.Errorf("without a state: %v\n%s", err, out)
	}
}

// TestServeWaitsForTheRestOfAnEdit: a file that is written in two goes is not
// taken up between them.
func TestServeWaitsForTheRestOfAnEdit(t *testing.T) {
	f := newRig(t, "main")
	whole, err := os.ReadFile(f.objects)
	if err != nil {
		t.Fatal(err)
	}
	gate := "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {hold: [{tags: [1.1.0], reason: x}]}\n"
	f.edit(t, func(text string) string { return text + gate })
	d := f.serve(t, "--batch", "50ms", "--reload", "50ms")
	d.until("the first run", func() bool { _, page := d.get("/api/v1/held"); return strings.Contains(page, "1.1.0") })
	if !inTime(func() { write(t, f.objects, string(whole)) }, func() { // without the Gate
		f.edit(t, func(text string) string { return text + gate + "# the rest\n" })
	}) {
		t.Log("the rest came too late")
		return
	}
	d.until("the edit is taken up", func() bool { return strings.Contains(d.said(), "the objects have changed") })
	if got := f.repo.File("main", "a.yaml"); got != f.with("1.0.0") {
		t.Errorf("half of an edit was taken up: main has %s", got)
	}
}
