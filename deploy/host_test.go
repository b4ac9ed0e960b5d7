package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// settings lays out /etc/pinsetter as docs/cron-and-systemd.md says.
func (m *machine) settings(f *fleet) {
	m.t.Helper()
	env := read(m.t, "pinsetter.env")
	for _, change := range []struct{ from, to string }{
		{"git+https://git.example/org/fleet.git//clusters/production", f.source()},
		{`HOST="git.example"`, `HOST="` + f.git.Addr + `"`},
		{`TOKEN="CHANGE"`, `TOKEN="` + login["password"] + `"`},
	} {
		if !strings.Contains(env, change.from) {
			m.t.Fatalf("pinsetter.env has no %s", change.from)
		}
		env = strings.Replace(env, change.from, change.to, 1)
	}
	write(m.t, m.inside("/etc/pinsetter/pinsetter.env"), m.inside(env))
	for key, value := range login {
		write(m.t, m.inside("/etc/pinsetter/secrets/flux-system/flux-system/"+key), value)
	}
	if err := os.MkdirAll(m.inside("/var/lib/pinsetter"), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// unit returns the settings of a unit of systemd, by key.
func unit(t *testing.T, path string) map[string][]string {
	t.Helper()
	fields := map[string][]string{}
	for line := range strings.Lines(read(t, path)) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(line, "#") {
			fields[key] = append(fields[key], value)
		}
	}
	return fields
}

// started returns the command that systemd would start.
func (m *machine) started(service map[string][]string) *exec.Cmd {
	m.t.Helper()
	words := strings.Fields(service["ExecStart"][0])
	if words[0] != "/usr/local/bin/pinsetter" {
		m.t.Fatalf("ExecStart begins with %s", words[0])
	}
	var args []string
	for _, word := range words[1:] {
		args = append(args, m.inside(word))
	}
	cmd := exec.CommandContext(m.t.Context(), program(m.t), args...)
	cmd.Dir, cmd.Env = m.root, m.environ()
	for _, path := range service["EnvironmentFile"] {
		for line := range strings.Lines(read(m.t, m.inside(path))) {
			if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(line, "#") {
				cmd.Env = append(cmd.Env, key+"="+strings.Trim(value, `"`))
			}
		}
	}
	return cmd
}

func TestTheServiceOfSystemdRuns(t *testing.T) {
	f := newFleet(t, 2)
	m := newMachine(t)
	m.settings(f)
	service := unit(t, "systemd/pinsetter.service")
	if out, err := m.started(service).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f.pushed(1)
	if _, err := os.Stat(m.inside("/var/lib/" + service["StateDirectory"][0] + "/state.db")); err != nil {
		t.Errorf("the state is not in StateDirectory: %v", err)
	}
}

func TestTheDaemonOfSystemdStarts(t *testing.T) {
	help, err := exec.CommandContext(t.Context(), program(t), append(strings.Fields(unit(t, "systemd/pinsetter-serve.service")["ExecStart"][0])[1:], "--help")...).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, help)
	}
	run, serve := unit(t, "systemd/pinsetter.service"), unit(t, "systemd/pinsetter-serve.service")
	for _, fields := range []map[string][]string{run, serve} {
		for _, key := range []string{"Description", "Type", "ExecStart", "TimeoutStartSec", "Restart", "RestartSec", "WantedBy"} {
			delete(fields, key)
		}
	}
	for key, values := range run {
		if strings.Join(serve[key], " ") != strings.Join(values, " ") {
			t.Errorf("%s is %q for runs and %q for the daemon", key, values, serve[key])
		}
	}
}

// TestSystemdAcceptsTheUnits asks systemd itself, and how exposed it thinks
// them to be: 10 is the most.
func TestSystemdAcceptsTheUnits(t *testing.T) {
	analyze := parts.Need(t, "systemd-analyze")
	dir := t.TempDir()
	for _, name := range folders(t, "systemd") {
		write(t, filepath.Join(dir, name), strings.ReplaceAll(read(t, "systemd/"+name), "/usr/local/bin/pinsetter", program(t)))
		// It warns of other units of the machine too.
		if out, err := exec.CommandContext(t.Context(), analyze, "verify", filepath.Join(dir, name)).CombinedOutput(); strings.Contains(string(out), "pinsetter") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		if !strings.HasSuffix(name, ".service") {
			continue
		}
		if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=yes", "--no-pager", "--threshold=15", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// TestTheLineOfCronRuns runs the line, first while the lock is taken.
func TestTheLineOfCronRuns(t *testing.T) {
	parts.Need(t, "flock")
	f := newFleet(t, 1)
	m := newMachine(t)
	m.settings(f)
	var line string
	for l := range strings.Lines(read(t, "cron/pinsetter")) {
		if strings.HasPrefix(l, "*/") {
			line = strings.TrimSpace(l)
		}
	}
	fields := strings.Fields(line)
	if len(fields) < 7 || fields[5] != "pinsetter" {
		t.Fatalf("the line is %q", line)
	}
	_, command, _ := strings.Cut(line, " pinsetter ")
	cron := func(command string) (string, error) {
		command = strings.ReplaceAll(m.inside(strings.TrimSpace(command)), m.root+"/dev/null", "/dev/null")
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command)
		cmd.Dir = m.root
		cmd.Env = []string{"PATH=" + filepath.Dir(program(t)) + ":" + os.Getenv("PATH"), "HOME=" + m.root}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	locked := "exec flock -n /var/lib/pinsetter/cron.lock "
	if !strings.Contains(command, locked) {
		t.Fatalf("the line has no %q", locked)
	}
	if out, err := cron("flock -n /var/lib/pinsetter/cron.lock sh -c '" + strings.Replace(command, "exec ", "", 1) + "; true'"); err != nil || len(f.apps[0].Pushes()) > 0 {
		t.Errorf("a run began while another held the lock: %v: %s", err, out)
	}
	out, err := cron(command)
	if err != nil || strings.Contains(out, "error:") {
		t.Errorf("%v: %s", err, out)
	}
	f.pushed(1)
}
