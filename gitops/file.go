package gitops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/login"
)

// fileTransport returns a transport to a repository on this machine. It runs
// git.
func fileTransport(u *url.URL, bounds Bounds) (transport.Transport, error) {
	if u.Host != "" && !login.Loopback(u.Hostname()) {
		return nil, fmt.Errorf("host %q in a file URL: write file:///path", u.Host)
	}
	return streamTransport{startProcess, bounds}, nil
}

// startProcess runs git-upload-pack or git-receive-pack as git does.
func startProcess(ctx context.Context, command string, e *transport.Endpoint) (*stream, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("a file URL needs git on this machine: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, git, strings.TrimPrefix(command, "git-"), e.Path)
	cmd.Env = login.GitEnviron(os.Environ()) // git runs the repository's hooks
	cmd.WaitDelay = time.Second              // for processes that it started and that hold its pipes
	running := &stream{said: new(tail), cancel: cancel}
	cmd.Stderr = running.said
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		cancel()
		return nil, fmt.Errorf("start git: %w", err)
	}
	running.in, running.out, running.wait = in, out, cmd.Wait
	return running, nil
}
