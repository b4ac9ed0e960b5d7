package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

// TestMain is a test's other process where the environment says so.
func TestMain(m *testing.M) {
	job := os.Getenv("STORE_TEST_JOB")
	if job == "" {
		os.Exit(m.Run())
	}
	dsn, err := store.ParseDSN(os.Getenv("STORE_TEST_DSN"))
	if err == nil {
		err = work(job, dsn)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work(job string, dsn store.DSN) error {
	ctx := context.Background()
	job, argument, _ := strings.Cut(job, " ")
	switch job {
	case "hammer":
		worker, err := strconv.Atoi(argument)
		if err != nil {
			return err
		}
		return hammer(ctx, dsn, worker)
	case "lock": // until standard input ends
		db, err := sql.Open("sqlite", argument+"?_txlock=exclusive")
		if err != nil {
			return err
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		fmt.Println("locked")
		_, err = io.Copy(io.Discard, os.Stdin)
		return err
	case "grow": // on a disk where no file may have more than 100 kB
		signal.Ignore(syscall.SIGXFSZ)
		bound := syscall.Rlimit{Cur: 100_000, Max: 100_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &bound); err != nil {
			return err
		}
		return grow(ctx, dsn)
	case "touch":
		return touch(ctx, dsn)
	}
	return fmt.Errorf("unknown job %q", job)
}

// touch opens a ledger and records a sighting.
func touch(ctx context.Context, dsn store.DSN) error {
	l, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	_, err = l.Sights().See(ctx, noon, []store.Observation{{Tag: tag("1.0")}})
	return err
}

// grow records sightings until that fails.
func grow(ctx context.Context, dsn store.DSN) error {
	l, err := store.Open(ctx, dsn, store.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	for round := range 1000 {
		if err := fill(ctx, l, round); err != nil {
			return err
		}
	}
	return nil
}

func fill(ctx context.Context, l *store.Ledger, round int) error {
	var seen []store.Observation
	for i := range 100 {
		seen = append(seen, store.Observation{Tag: tag(fmt.Sprintf("%d.%d", round, i)), Digest: digest("a")})
	}
	_, err := l.Sights().See(ctx, noon, seen)
	return err
}

// other returns a process that does a job on a ledger.
func other(t testing.TB, job string, dsn store.DSN) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), "STORE_TEST_JOB="+job, "STORE_TEST_DSN="+dsn.String())
	return command
}

// lock has another process hold the file until the test ends.
func lock(t testing.TB, p place) {
	t.Helper()
	command := other(t, "lock "+p.raw, p.dsn)
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = command.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
}

// asNobody runs a job as a user for whom permissions count: root may do
// everything. The process is a copy, since root's build isn't for everybody.
func asNobody(t testing.TB, job string, p place) (string, error) {
	t.Helper()
	command := other(t, job, p.dsn)
	if os.Getuid() == 0 {
		data, err := os.ReadFile(command.Path)
		if err != nil {
			t.Fatal(err)
		}
		dir := parts.Dir(t)
		command.Path = filepath.Join(dir, "store.test")
		if err := os.WriteFile(command.Path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		command.Dir = "/"
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	output, err := command.CombinedOutput()
	return string(output), err
}
