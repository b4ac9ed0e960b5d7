package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/hook"
	"github.com/pinsetter/pinsetter/parts"
)

// text returns the fleet's objects.
func (f *rig) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(f.objects)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// selects waits until a daemon shows what its policy selects.
func (d *daemon) selects(tag string) {
	d.t.Helper()
	d.until("it selects "+tag, func() bool {
		_, body := d.get("/api/v1/policies")
		return strings.Contains(body, `"tag":"`+tag+`"`) || strings.Contains(body, `"tag": "`+tag+`"`)
	})
}

// finds waits until a daemon's page shows that something is wrong, or doesn't any
// more.
func (d *daemon) finds(what string, shown bool) {
	d.t.Helper()
	d.until("its page on "+what, func() bool {
		_, body := d.get("/")
		return strings.Contains(body, what) == shown
	})
}

func (d *daemon) times(said string) int { return strings.Count(d.said(), said) }

func write(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReloadOfFolders: an edit is taken up, a broken one is said once and shown
// until it is mended, and a folder that was emptied counts as one that can't be
// read.
func TestReloadOfFolders(t *testing.T) {
	f := newRig(t, "main")
	f.registry.Push("org/app", "2.0.0")
	dir, other := t.TempDir(), t.TempDir()
	objects := filepath.Join(dir, "sub", "objects.yaml")
	write(t, objects, f.text(t))
	write(t, filepath.Join(other, "unused.yaml"), strings.Replace(strings.Split(f.text(t), "---")[0], "name: app", "name: unused", 1))
	d := serve(t, "", "-f", dir, "-f", other, "--batch", "50ms", "--reload", "20ms")
	d.selects("1.1.0")

	write(t, objects, strings.Replace(f.text(t), "^1.0.0", "banana", 1))
	d.finds("banana", true)
	if stale := d.metric("pinsetter_objects_stale"); stale != 1 {
		t.Errorf("pinsetter_objects_stale is %v", stale)
	}
	write(t, objects, strings.Replace(f.text(t), "^1.0.0", "^2.0.0", 1))
	d.selects("2.0.0")
	d.finds("banana", false)
	if stale := d.metric("pinsetter_objects_stale"); stale != 0 {
		t.Errorf("pinsetter_objects_stale is %v", stale)
	}
	if n := d.times("an edit is broken"); n != 1 {
		t.Errorf("said %d times\n%s", n, d.said())
	}

	for _, emptied := range []string{objects, filepath.Join(other, "unused.yaml")} {
		text, err := os.ReadFile(emptied)
		if err == nil {
			err = os.Remove(emptied)
		}
		if err != nil {
			t.Fatal(err)
		}
		d.finds("there are no objects any more", true)
		d.selects("2.0.0")
		write(t, emptied, string(text))
		d.finds("there are no objects any more", false)
	}
	if n := d.times("can't be read again"); n != 2 {
		t.Errorf("said %d times\n%s", n, d.said())
	}
}

// TestReloadWhileAFileIsWritten: a file that is empty while it is written is no
// reason to complain.
func TestReloadWhileAFileIsWritten(t *testing.T) {
	f := newRig(t, "main")
	f.registry.Push("org/app", "2.0.0")
	dir := t.TempDir()
	objects := filepath.Join(dir, "objects.yaml")
	write(t, objects, f.text(t))
	d := serve(t, "", "-f", dir, "--batch", "50ms", "--reload", "20ms")
	d.selects("1.1.0")
	if !inTime(func() { write(t, objects, "") }, func() { write(t, objects, strings.Replace(f.text(t), "^1.0.0", "^2.0.0", 1)) }) {
		t.Log("the file was empty for longer than that")
		return
	}
	d.selects("2.0.0")
	if d.times("can't be read again") > 0 {
		t.Errorf("it complained\n%s", d.said())
	}
}

// inTime does the halves of an edit, with some looks between them, and reports whether
// they came within the time in which a daemon takes them for one: a busy machine may
// let this process wait.
func inTime(half, rest func()) bool {
	began := time.Now()
	half()
	time.Sleep(settling / 3)
	rest()
	return time.Since(began) < settling
}

// TestReloadOfAMountedGate: nothing is written while the folder of gates isn't there
// at the start, and when it goes away the gates of before hold on.
func TestReloadOfAMountedGate(t *testing.T) {
	f := newRig(t, "main")
	f.edit(t, func(text string) string { return strings.ReplaceAll(text, "interval: 5m", "interval: 1s") })
	head := f.repo.Head("main")
	gates := filepath.Join(t.TempDir(), "gates")
	holds := func(tags string) {
		write(t, filepath.Join(gates, "gate.yaml"), "apiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: hold}\nspec:\n  hold: [{range: '"+tags+"', reason: broken}]\n")
	}
	d := f.serve(t, "-f", gates, "--batch", "50ms", "--reload", "20ms")
	d.finds("its volume mounted", true)
	d.until("the automation fails", func() bool { return d.times("an automation fails") > 0 })
	holds(">=1.1.0")
	d.finds("broken", true)
	if err := os.RemoveAll(gates); err != nil {
		t.Fatal(err)
	}
	d.finds("no such file", true)
	f.registry.Push("org/app", "1.2.0")
	d.finds("1.2.0", true)
	if f.repo.Head("main") != head {
		t.Errorf("it pushed\n%s", d.said())
	}
	holds(">=9.0.0")
	d.until("it pushes", func() bool { return strings.Contains(f.repo.File("main", "a.yaml"), "1.2.0") })
}

// TestReloadOfAGitSource: it may be away for a while.
func TestReloadOfAGitSource(t *testing.T) {
	f := newRig(t, "main")
	f.registry.Push("org/app", "2.0.0")
	var away atomic.Bool
	server := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if away.Load() {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}})
	source := server.NewRepository("objects", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"prod/objects.yaml": f.text(t)}}})
	d := serve(t, "", "-f", "git+"+source.URL+"//prod", "--batch", "50ms", "--reload", "20ms")
	d.selects("1.1.0")
	asked := func() int { return server.Log.Count("", "info/refs") }
	away.Store(true)
	d.finds("prod", true)
	begin := asked()
	d.until("some more looks", func() bool { return asked() >= begin+3 && d.times("can't be read again") > 0 })
	if n := d.times("can't be read again"); n != 1 {
		t.Errorf("said %d times\n%s", n, d.said())
	}
	away.Store(false)
	d.until("it is back", func() bool { return d.times("those again that are used") == 1 })
	source.CommitFile("main", "prod/objects.yaml", strings.Replace(f.text(t), "^1.0.0", "^2.0.0", 1), "")
	d.selects("2.0.0")
}

// TestReloadOfMountedSecrets: a Receiver's address goes with its token.
func TestReloadOfMountedSecrets(t *testing.T) {
	f := newRig(t, "main")
	f.edit(t, func(text string) string { return text + strings.Split(servedReceiver, "---\napiVersion: v1")[0] })
	dir := t.TempDir()
	token := filepath.Join(dir, "hook", "token")
	write(t, token, "sesame")
	d := f.serve(t, "--secrets", dir, "--batch", "50ms", "--reload", "20ms")
	d.opens("pushes", "sesame", http.StatusOK)
	write(t, token, "thyme")
	d.opens("pushes", "thyme", http.StatusOK)
	d.opens("pushes", "sesame", http.StatusNotFound)
}

// opens waits until a Receiver's address answers with a status.
func (d *daemon) opens(receiver, token string, status int) {
	d.t.Helper()
	path := hook.Path(&fleet.Receiver{Name: pinsetter.Name{Namespace: "default", Name: receiver}, Token: pinsetter.NewSecret("", token)})
	d.until("the webhook's answer", func() bool {
		response, err := http.Post(d.url+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == status
	})
}

// TestServeFromStandardInput: it can be read once, and is used for good.
func TestServeFromStandardInput(t *testing.T) {
	f := newRig(t, "main")
	dir := t.TempDir()
	d := serve(t, f.text(t), "-f", "-", "--secrets", dir, "--batch", "50ms", "--reload", "20ms")
	d.selects("1.1.0")
	write(t, filepath.Join(dir, "some", "key"), "x")
	d.until("the reload", func() bool { return d.times("the objects have changed") == 1 })
	d.selects("1.1.0")
}

// TestSecondSignalEndsAtOnce, though a push is under way; the first waits for it.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	f := newRig(t, "main")
	held := make(chan struct{})
	var under atomic.Bool
	f.meddle(func(r *http.Request) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "git-receive-pack") {
			under.Store(true)
			<-held
		}
	})
	defer close(held)
	d := f.serve(t)
	d.until("the push is under way", under.Load)
	ended := make(chan error, 1)
	go func() { ended <- d.process.Wait() }()
	signal := func() {
		if err := d.process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	signal()
	d.until("it doesn't listen any more", func() bool { status, _ := d.get("/healthz"); return status == 0 })
	select {
	case err := <-ended:
		t.Fatalf("it didn't wait: %v\n%s", err, d.said())
	default:
	}
	signal()
	if err := <-ended; err == nil {
		t.Errorf("it ended well before the push did\n%s", d.said())
	}
}
