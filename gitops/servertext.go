package gitops

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// Words by which servers say over ssh what http has a status for, in lower case:
// those of git, GitHub, GitLab, Bitbucket and Gitea.
var (
	notFoundWords = []string{
		"not found", "does not exist", "not appear to be a git repository", "no such repository",
		"could not be found", "cannot find repository",
	}
	deniedWords = []string{"permission denied", "access denied", "denied to", "not allowed", "unauthorized", "forbidden", "read-only", "read only"}
)

// explainText returns the error for what a server said before it ended.
func explainText(text string, err error) error {
	switch {
	case contains(text, notFoundWords):
		return fmt.Errorf("%w: check the URL, and that the credentials may read it: %s", ErrNotFound, text)
	case contains(text, deniedWords):
		return fmt.Errorf("%w: %s", ErrAuth, text)
	case text != "":
		return fmt.Errorf("the server ended the connection: %s", text)
	case errors.Is(err, packp.ErrEmptyInput):
		return io.ErrUnexpectedEOF
	}
	return err
}

// tailBytes bounds what is kept of a server's messages.
const tailBytes = 16 << 10

// tail keeps the last bytes that are written to it. It is safe for concurrent
// use.
type tail struct {
	mutex sync.Mutex
	bytes []byte
	cut   bool // there was more before
}

func (t *tail) Write(p []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.bytes = append(t.bytes, p...)
	if extra := len(t.bytes) - tailBytes; extra > 0 {
		t.bytes, t.cut = append(t.bytes[:0], t.bytes[extra:]...), true
	}
	return len(p), nil
}

// String returns the whole lines of what was kept: the end of one could be that
// of a secret, by which nobody knows it.
func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	text := string(t.bytes)
	if t.cut {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.ToValidUTF8(text, "")
}
