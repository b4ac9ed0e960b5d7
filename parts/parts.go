// Package parts starts real registries and Git servers for tests and for the
// demo: in this process if that is the real thing too, else as processes. All
// listen on 127.0.0.1 at a free port, store data on tmpfs if there is one, are
// ready when their constructor returns, and end with the test that started
// them.
//
// No shipped code imports this package.
package parts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// T is the part of a test that this package needs. Every [testing.TB] is a T;
// outside of tests, [Run] provides one. A constructor or method that has a T
// ends the test if it fails, so call it from the test's own goroutine.
type T interface {
	Helper()
	Cleanup(f func())
	TempDir() string
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// required says how to get the programs of parts. It names make parts for those
// that make parts builds or installs.
var required = map[string]string{
	"registry":                "make parts builds distribution's registry",
	"docker-registry":         "make parts installs it, or: apt-get install docker-registry",
	"sshd":                    "make parts installs it, or: apt-get install openssh-server",
	"ssh":                     "apt-get install openssh-client",
	"ssh-keygen":              "apt-get install openssh-client",
	"gpg":                     "make parts installs it, or: apt-get install gnupg",
	"git":                     "apt-get install git",
	"tar":                     "apt-get install tar",
	"gitea":                   "make parts builds it",
	"initdb":                  "apt-get install postgresql",
	"chromium":                "make parts installs it, or: apt-get install chromium",
	"toxiproxy-server":        "make parts builds it",
	"flux-artifact":           "make parts builds it",
	"oras":                    ".ci/parts more builds it",
	"kubeconform":             ".ci/parts more builds it",
	"crane":                   ".ci/parts more builds it",
	"helm":                    ".ci/parts more builds it",
	"cosign":                  ".ci/parts more builds it",
	"notation":                ".ci/parts more builds it",
	"fulcio":                  ".ci/parts more builds it",
	"timestamp-server":        ".ci/parts more builds it",
	"rekor-server-posix":      ".ci/parts more builds it",
	"etcd":                    ".ci/parts more builds it",
	"kube-apiserver":          ".ci/parts more builds it",
	"kube-controller-manager": ".ci/parts more builds it",
	"kubectl":                 ".ci/parts more builds it",
	"kwok":                    ".ci/parts more builds it",
	"flock":                   "make parts installs it, or: apt-get install util-linux",
	"systemd-analyze":         "make parts installs it, or: apt-get install systemd",
	"promtool":                "make parts unpacks it, or: apt-get install prometheus",
}

// Need returns the path of an external program: from PATH, from /usr/sbin, or
// from the folder of `make parts` ([Cache]). If the program is missing it skips
// the test, with a message that says how to get it. With
// PINSETTER_REQUIRE_PARTS=1 in the environment it fails instead.
func Need(t T, program string) string {
	t.Helper()
	path, err := find(program)
	if err == nil {
		return path
	}
	how := required[program]
	if how == "" {
		how = "install it so that it is in PATH"
	}
	if os.Getenv("PINSETTER_REQUIRE_PARTS") == "1" {
		t.Fatalf("%s is missing, and PINSETTER_REQUIRE_PARTS=1: %s", program, how)
	}
	Skip(t, fmt.Sprintf("%s is missing: %s", program, how))
	return ""
}

// Skip skips a test, and adds why to the file that PINSETTER_SKIPPED names, if it
// is set: `make test` prints it at its end.
func Skip(t T, why string) {
	t.Helper()
	if path := os.Getenv("PINSETTER_SKIPPED"); path != "" {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(f, why)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Fatalf("PINSETTER_SKIPPED: %v", err)
		}
	}
	t.Skipf("%s", why)
}

// Cache returns the folder outside of the tree for programs built by `make
// parts`: $PINSETTER_CACHE, or "pinsetter" in the user's cache directory. The
// programs are in its folder "bin". It returns "" if neither is known.
func Cache() string {
	if dir := os.Getenv("PINSETTER_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "pinsetter")
}

// Has reports whether a program is installed, or built by `make parts`.
func Has(program string) bool {
	_, err := find(program)
	return err == nil
}

func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", filepath.Join(Cache(), "bin")} {
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// Dir returns a new empty directory for t, on tmpfs if /dev/shm is one: servers
// sync often, and a disk makes them many times slower.
func Dir(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pinsetter-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Run calls f with a T, then stops all parts that it started. It returns the
// reason if f failed.
func Run(f func(t T)) error {
	s := &stage{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.close()
		f(s)
	}()
	<-done
	return errors.Join(s.errs...)
}

// stage is a T outside of a test. Use it from one goroutine.
type stage struct {
	cleanups []func()
	errs     []error
}

func (s *stage) Helper()          {}
func (s *stage) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "pinsetter-")
	if err != nil {
		s.Fatalf("make a directory: %v", err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (s *stage) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// Skipf fails, since only tests can be skipped.
func (s *stage) Skipf(format string, args ...any) { s.Fatalf(format, args...) }

func (s *stage) Fatalf(format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf(format, args...))
	runtime.Goexit()
}

func (s *stage) close() {
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
}
