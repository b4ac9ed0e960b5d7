package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// started is a demo that stays up.
type started struct {
	process *exec.Cmd
	stderr  *bytes.Buffer
	prepare []string            // what is to be pasted first
	things  map[string][]string // commands by title
	titles  []string
	rest    io.Reader
}

// start runs the demo until its list is printed.
func start(t *testing.T) *started {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d := &started{process: exec.Command(program, "-keep"), stderr: &bytes.Buffer{}, things: map[string][]string{}}
	d.process.Stderr = d.stderr
	d.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := d.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-d.process.Process.Pid, syscall.SIGTERM) })
	d.read(t, bufio.NewScanner(out))
	d.rest = out
	return d
}

// item matches a title of the list.
var item = regexp.MustCompile(`^\d+\. (.*)$`)

func (d *started) read(t *testing.T, out *bufio.Scanner) {
	t.Helper()
	out.Buffer(nil, 1<<20)
	listed := false
	var text strings.Builder
	for out.Scan() {
		line := out.Text()
		text.WriteString(line + "\n")
		m := item.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "# All stays up"):
			listed = true
		case !listed || line == "" || strings.HasPrefix(line, "and then"):
		case m != nil:
			d.titles = append(d.titles, m[1])
		case strings.HasPrefix(line, "   ") && len(d.titles) > 0:
			title := d.titles[len(d.titles)-1]
			d.things[title] = append(d.things[title], strings.TrimSpace(line))
			if strings.HasPrefix(line, "   pinsetter serve") { // the last one
				return
			}
		default:
			d.prepare = append(d.prepare, line)
		}
	}
	t.Fatalf("the demo ended early:\n%s%s", text.String(), d.stderr)
}

// paste runs commands as a shell does that was told the first lines.
func (d *started) paste(commands ...string) *exec.Cmd {
	script := strings.Join(append(d.prepare, commands...), "\n")
	return exec.Command("sh", "-ec", script)
}

// TestWhatToTry pastes each thing of the list that KEEP=1 prints, in order, and
// ends the demo as Ctrl-C does.
func TestWhatToTry(t *testing.T) {
	parts.Need(t, "git")
	parts.Need(t, "curl")
	d := start(t)
	if strings.Contains(strings.Join(d.prepare, "\n"), "HOME") {
		t.Errorf("the user's HOME is changed: %q", d.prepare)
	}
	wants := []struct{ begin, want string }{
		{"See a second update", `podinfo:6\.1\.0@sha256:\w+ +-> .*podinfo:6\.2\.0`},
		{"Take it back", `flux-system/podinfo stays at 6\.1\.0.*, not 6\.2\.0: 6\.2\.0@?.* was written here and somebody changed it`},
		{"Hold a tag", `flux-system/dashboards stays at 1\.0\.1, not 1\.0\.2: .*its panels are empty`},
		{"Gate the size", `\+ +version: "2\.2\.0"`},
		{"Propose", `\[podinfo\] pull request #\d created: http://`},
		{"Let it run", ""},
	}
	for _, title := range d.titles {
		for len(wants) > 0 && !strings.HasPrefix(title, wants[0].begin) {
			if wants[0].begin != "Propose" || parts.Has("gitea") {
				t.Fatalf("%q is missing before %q", wants[0].begin, title)
			}
			wants = wants[1:]
		}
		if wants[0].want == "" {
			d.serve(t, title)
			break
		}
		out, err := d.paste(d.things[title]...).CombinedOutput()
		if err != nil || !regexp.MustCompile(wants[0].want).Match(out) {
			t.Fatalf("%s: %v\n%s\nwant %s", title, err, out, wants[0].want)
		}
		wants = wants[1:]
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "warning:") && !strings.Contains(line, "which ends with it") {
				t.Errorf("%s: %s", title, line)
			}
		}
	}
	d.interrupt(t)
}

// serve runs the last thing, looks at its page, and ends it.
func (d *started) serve(t *testing.T, title string) {
	t.Helper()
	command := d.paste("exec " + d.things[title][0])
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	url := regexp.MustCompile(`http://\S+`).FindString(title)
	var page []byte
	if !parts.Comes(func() bool {
		response, err := http.Get(url)
		if err != nil {
			return false
		}
		page, _ = io.ReadAll(response.Body)
		_ = response.Body.Close()
		return strings.Contains(string(page), "podinfo")
	}) {
		t.Errorf("%s shows %.500q", url, page)
	}
	_ = command.Process.Signal(os.Interrupt)
	_ = command.Wait()
}

// interrupt ends the demo as Ctrl-C does, and looks for what it leaves.
func (d *started) interrupt(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(-d.process.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, d.rest)
	if err := d.process.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
	for line := range strings.Lines(d.stderr.String()) {
		if !strings.Contains(line, "which ends with it") {
			t.Errorf("the demo says %q", line)
		}
	}
	dir := strings.TrimSuffix(strings.TrimPrefix(d.prepare[0], "cd "), "/fleet")
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left", dir)
	}
}
