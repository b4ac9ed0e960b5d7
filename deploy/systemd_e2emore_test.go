//go:build e2emore && linux

package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// TestAMachineWithSystemd installs Pinsetter as docs/cron-and-systemd.md says, command by
// command, on a machine whose first process is systemd. The timer starts runs, the daemon
// starts and ends, and what the units forbid is forbidden.
func TestAMachineWithSystemd(t *testing.T) {
	f := newFleet(t, 2)
	h, share := newHost(t)
	for _, file := range []string{"pinsetter.env", "systemd/pinsetter.service", "systemd/pinsetter.timer", "systemd/pinsetter-serve.service", "cron/pinsetter"} {
		write(t, filepath.Join(share, "deploy", file), read(t, file))
	}
	binary, err := os.ReadFile(program(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(share, "pinsetter"), binary, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	steps := blocks(t, "cron-and-systemd.md", "sh")
	archive, install, secret, attempt, timer, daemon := steps[0], steps[1], steps[2], steps[3], steps[4], steps[5]
	if !strings.HasPrefix(archive, "v=") {
		t.Fatalf("the page begins with %s", archive)
	}
	h.run("mnt", install)
	h.run("", `sed -i 's|git+https://git.example/org/fleet.git//clusters/production|`+f.source()+`|; s|HOST="git.example"|HOST="`+f.git.Addr+`"|; s|TOKEN="CHANGE"|TOKEN="`+login["password"]+`"|' /etc/pinsetter/pinsetter.env`)
	h.run("mnt", secret)
	if out := h.run("mnt", attempt); !strings.Contains(out, "+image: "+f.registry.Image("org/app")+":1.1.0") {
		t.Errorf("the attempt shows %s", out)
	}
	// Each second instead of each ten minutes.
	h.run("", `mkdir -p /etc/systemd/system/pinsetter.timer.d
printf '[Timer]\nOnCalendar=\nOnCalendar=*:*:*\nAccuracySec=100ms\nRandomizedDelaySec=0\n' >/etc/systemd/system/pinsetter.timer.d/override.conf`)
	if out := h.run("mnt", timer); !strings.Contains(out, "pinsetter.timer") {
		t.Errorf("the timer: %s", out)
	}
	pushed := func(times int) func() bool {
		return func() bool { return len(f.apps[0].Pushes())+len(f.apps[1].Pushes()) == 2*times }
	}
	parts.Until(t, "a run of the timer", pushed(1))
	f.release()
	parts.Until(t, "another", pushed(2))
	h.run("", "systemctl disable --now pinsetter.timer")
	parts.Until(t, "the end of the run", func() bool {
		return strings.Contains(h.run("", "systemctl show --property=ActiveState --value pinsetter"), "inactive")
	})
	if out := h.run("", "systemctl show --property=Result --value pinsetter; stat --format=%U:%a /var/lib/pinsetter/state.db"); out != "success\npinsetter:600\n" {
		t.Errorf("the service and its state: %s", out)
	}
	if out := h.run("", "journalctl --unit=pinsetter --output=cat"); !strings.Contains(out, "pushed") {
		t.Errorf("the journal has %s", out)
	}
	h.daemon(f, daemon, pushed)
	h.hardened()
}

// daemon runs the daemon in place of the timer, at another port than this machine's 8080.
func (h *host) daemon(f *fleet, install string, pushed func(int) func() bool) {
	h.t.Helper()
	h.run("", "echo 'PINSETTER_LISTEN=127.0.0.1:0' >>/etc/pinsetter/pinsetter.env")
	f.release()
	h.run("mnt", install)
	parts.Until(h.t, "the daemon's run", pushed(3))
	h.run("", "systemctl stop pinsetter-serve")
	if out := h.run("", "systemctl show --property=Result,NRestarts --value pinsetter-serve"); out != "success\n0\n" && out != "0\nsuccess\n" {
		h.t.Errorf("the daemon: %s: %s", out, h.run("", "journalctl --unit=pinsetter-serve"))
	}
	f.pushed(3)
}

// hardened runs what a program that was taken over may try, in place of the program: of
// each unit's restrictions some must bite.
func (h *host) hardened() {
	h.t.Helper()
	text := regexp.MustCompile(`(?m)^ExecStart=.*$`).ReplaceAllString(read(h.t, "systemd/pinsetter.service"), "ExecStart=/bin/bash /mnt/probe")
	write(h.t, filepath.Join("/proc", h.pid, "root/mnt/probe"), `may() { "$@" >/dev/null 2>&1 && echo "may: $*"; }
may touch /etc/pinsetter/pinsetter.env
may touch /usr/local/bin/pinsetter
may ls /root
may ls /home
may cat /etc/shadow
may mount -t tmpfs tmpfs /tmp
may unshare --user true
may chmod u+s /var/lib/pinsetter/state.db
may mknod /tmp/disk b 8 0
may dmesg
may cat /proc/1/cmdline
touch /var/lib/pinsetter/probe && touch /tmp/probe && cat /etc/pinsetter/pinsetter.env >/dev/null && echo "the rest works as $(id -un)"
`)
	write(h.t, filepath.Join("/proc", h.pid, "root/etc/systemd/system/probe.service"), text)
	h.run("", "systemctl daemon-reload; systemctl start probe")
	if out := h.run("", "journalctl --unit=probe --output=cat"); strings.Contains(out, "may: ") || !strings.Contains(out, "the rest works as pinsetter\n") {
		h.t.Errorf("a program that was taken over: %s", out)
	}
}
