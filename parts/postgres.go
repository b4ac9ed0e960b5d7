//go:build unix

package parts

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopWithin bounds the time for an immediate stop of a server.
const stopWithin = 10 * time.Second

// Postgres is a PostgreSQL server with the databases of a new one. It requires
// a password.
type Postgres struct {
	Addr     string // "127.0.0.1:PORT"
	User     string // the superuser
	Password string // contains characters that are special in a URL

	t       T
	program string
	data    string
	as      *syscall.Credential // user that runs the server; nil: the one that runs the test
	running *process
}

// NewPostgres starts a server that ends with t. It skips the test if PostgreSQL
// is missing. Root can't run a server; user postgres, who comes with the
// package, does so then.
func NewPostgres(t T) *Postgres {
	t.Helper()
	initdb := needPostgres(t)
	p := &Postgres{
		Addr: freeAddress(t), User: "pinsetter", Password: "p@ss/w?rd#1 %",
		t: t, program: filepath.Join(filepath.Dir(initdb), "postgres"),
	}
	dir := Dir(t)
	p.data = filepath.Join(dir, "data")
	if os.Getuid() == 0 {
		p.as = postgresUser(t)
		if err := os.Chown(dir, int(p.as.Uid), int(p.as.Gid)); err != nil {
			t.Fatalf("give %s to user postgres: %v", dir, err)
		}
	}
	password := put(t, dir, "password", []byte(p.Password))
	if err := os.Chmod(password, 0o644); err != nil { // only a test's password
		t.Fatalf("show the password to initdb: %v", err)
	}
	command := exec.Command(initdb, "--pgdata", p.data, "--username", p.User, "--pwfile", password,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	command.Dir = dir
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make a database cluster: %v: %s", err, output)
	}
	p.Start()
	return p
}

// URL returns the address of a database, such as "postgres", with user and
// password.
func (p *Postgres) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(p.User, p.Password), Host: p.Addr, Path: "/" + database}
	return u.String()
}

// Kill ends the server like kill -9: clients get no notice, and nothing more is
// written.
func (p *Postgres) Kill() { p.running.stop() }

// Start starts the server again after a Kill, with the same address and data.
func (p *Postgres) Start() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	for {
		p.launch()
		err := p.running.await(p.ready)
		if err == nil {
			return
		}
		// The children of a killed server hold its memory for a moment.
		if ctx.Err() != nil || !strings.Contains(p.running.output.String(), "still in use") {
			p.t.Fatalf("start PostgreSQL: %v", err)
		}
	}
}

func (p *Postgres) launch() {
	p.t.Helper()
	_, port, _ := strings.Cut(p.Addr, ":")
	command := exec.Command(p.program, "-D", p.data, "-p", port, "-h", "127.0.0.1", "-k", "",
		"-c", "fsync=off", "-c", "shared_buffers=16MB") // safe here, since a killed server loses nothing by it
	command.Dir = p.data
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	running := &process{command: command, output: &output{}, gone: make(chan struct{})}
	command.Stdout, command.Stderr = running.output, running.output
	if err := command.Start(); err != nil {
		p.t.Fatalf("start %s: %v", p.program, err)
	}
	go func() {
		_ = command.Wait()
		close(running.gone)
	}()
	p.running = running
	p.t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGQUIT) // which ends its children too
		select {
		case <-running.gone:
		case <-time.After(stopWithin):
			running.stop()
		}
	})
}

// ready reads the server's state: postmaster.pid has its process in the first
// line and "ready" in the eighth, as pg_ctl reads it
// (src/include/utils/pidfile.h).
func (p *Postgres) ready(context.Context) error {
	data, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid"))
	if err != nil {
		return err
	}
	lines := strings.Split(string(data), "\n")
	if len(lines) < 8 || lines[0] != strconv.Itoa(p.running.command.Process.Pid) || strings.TrimSpace(lines[7]) != "ready" {
		return errors.New("it doesn't accept connections yet")
	}
	return nil
}

// needPostgres returns the path of initdb; the server is beside it. Debian has
// both outside of PATH.
func needPostgres(t T) string {
	t.Helper()
	if _, err := find("initdb"); err == nil {
		return Need(t, "initdb")
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		return found[len(found)-1]
	}
	return Need(t, "initdb")
}

func postgresUser(t T) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("find who may run PostgreSQL, as root may not: %v", err)
	}
	var as syscall.Credential
	if _, err := fmt.Sscan(account.Uid+" "+account.Gid, &as.Uid, &as.Gid); err != nil {
		t.Fatalf("read the numbers of user postgres: %v", err)
	}
	return &as
}
