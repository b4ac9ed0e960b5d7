//go:build e2emore && linux

package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// host is a machine with systemd as its first process: namespaces of their own for
// processes, mounts and control groups, and this machine's files with all writes in
// memory. The network is this machine's.
type host struct {
	t   *testing.T
	pid string // of systemd
}

// boot starts systemd. $1 is an empty folder; "pid" in it gets the process, "root" the
// root of its files, "share" is at /mnt there. Control groups are removed at the end.
const boot = `set -eu
cd "$1"; mkdir mem cg
mount --make-rprivate /
mount -t cgroup2 cgroup2 cg
from=$(sed -n 's/^0:://p' /proc/self/cgroup); mine=cg/pinsetter-test-$$
mkdir "$mine"; echo $$ >"$mine/cgroup.procs"
unshare --pid --fork --kill-child --mount --uts --ipc --cgroup bash -c '
	set -eu
	read -r pid rest </proc/self/stat # as it is called out here
	mount -t tmpfs tmpfs mem
	mkdir mem/upper mem/work root
	mount -t overlay overlay -o lowerdir=/,upperdir=mem/upper,workdir=mem/work root
	mount -t proc proc root/proc
	mount --rbind /dev root/dev
	mount -t sysfs sysfs root/sys
	mount -t cgroup2 cgroup2 root/sys/fs/cgroup
	mount -t tmpfs tmpfs root/run
	mount -t tmpfs tmpfs root/tmp
	mount --bind share root/mnt
	rm -rf root/etc/systemd/system/*
	: >root/etc/machine-id
	printf "[Unit]\nDescription=nothing but what the test installs\nWants=systemd-journald.service\n" >root/etc/systemd/system/test.target
	echo "$pid" >pid
	cd root; mkdir outside; pivot_root . outside; umount --lazy /outside # chroot would forbid user namespaces
	exec env -i container=test PATH=/usr/sbin:/usr/bin /lib/systemd/systemd --unit=test.target --log-target=journal --show-status=no
' || true
echo $$ >"cg$from/cgroup.procs"
find "$mine" -depth -type d -exec rmdir {} \;
`

// newHost boots a host that ends with t. share is a folder that it has at /mnt.
func newHost(t *testing.T) (h *host, share string) {
	t.Helper()
	parts.Need(t, "unshare")
	parts.Need(t, "nsenter")
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil || os.Getuid() != 0 {
		parts.Skip(t, "systemd can't be started: it needs root and /lib/systemd/systemd")
	}
	dir := t.TempDir()
	share = filepath.Join(dir, "share")
	if err := os.Mkdir(share, 0o755); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "unshare", "--mount", "--fork", "bash", "-c", boot, "boot", dir)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	h = &host{t: t}
	parts.Until(t, "systemd", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("systemd doesn't start: %v: %s", err, said.String())
		default:
		}
		pid, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil || len(pid) == 0 {
			return false
		}
		h.pid = strings.TrimSpace(string(pid))
		out, _ := h.try("", "systemctl is-system-running")
		return strings.HasPrefix(out, "running") || strings.HasPrefix(out, "degraded")
	})
	t.Cleanup(func() {
		if t.Failed() {
			out, err := h.try("", "systemctl list-units --all --no-pager 'pinsetter*'; systemctl list-jobs --no-pager; systemctl list-timers --all --no-pager; systemctl status --no-pager pinsetter.timer pinsetter || true; journalctl --no-pager --lines=40 --unit='pinsetter*'")
			t.Logf("%v: %s\n%s", err, out, said.String())
		}
		var pid int
		if _, err := fmt.Sscan(h.pid, &pid); err == nil {
			err = syscall.Kill(pid, syscall.SIGKILL) // and with it all of its processes
			t.Log(errors.Join(err, <-ended))
		}
	})
	return h, share
}

// try runs a script on the host, in a folder.
func (h *host) try(in, script string) (string, error) {
	cmd := exec.Command("nsenter", "--target", h.pid, "--mount", "--pid", "--uts", "--ipc", "--cgroup",
		"env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TOKEN="+login["password"], "bash", "-euc", "cd \"/$1\"\n"+script, "bash", in)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try, and fails the test if that fails.
func (h *host) run(in, script string) string {
	h.t.Helper()
	out, err := h.try(in, script)
	if err != nil {
		h.t.Fatalf("%s\n%v: %s", script, err, out)
	}
	return out
}
