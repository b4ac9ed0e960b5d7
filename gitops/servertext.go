package gitops

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/git/wire"
)

// Words by which servers say over ssh what http has a status for, in lower case:
// those of git, GitHub, GitLab, Bitbucket, Gitea, Azure DevOps, Gerrit and
// gitolite.
var (
	notFoundWords = []string{
		"not found", "does not exist", "not appear to be a git repository", "no such repository",
		"could not be found", "cannot find repository",
	}
	deniedWords = []string{
		"permission denied", "access denied", "denied to", "denied by", "not allowed", "not authorized", "not permitted",
		"unauthorized", "forbidden", "read only",
	}
)

// notOurRef is git's upload-pack, of a want that was a ref before.
const notOurRef = "not our ref"

// faultWords are those of a server that could not do what it would have done, in
// lower case: a file's permission, a disk. They come before words about access.
var faultWords = []string{
	"insufficient permission for adding an object", "read only file system", "no space left on device", "disk quota exceeded",
	"input/output error", "too many open files", "cannot allocate memory",
}

// filePermission is what a system says of a file that a program may not use.
var filePermission = pinsetter.Pattern(`(?i)(?:'|/\S*): permission denied`)

// errFault is for a server that would have done what it was asked for.
var errFault = errors.New("the server has a fault of its own")

// isFault reports whether a server speaks of a fault of its own.
func isFault(text string) bool {
	return contains(text, faultWords) || filePermission().MatchString(text)
}

// explainText returns the error for what a server said before it ended.
func explainText(text string, err error) error {
	switch {
	case strings.Contains(text, notOurRef):
		return refused(ErrStale, "", text)
	case isFault(text):
		return refused(errFault, "", text)
	case contains(text, notFoundWords):
		return refused(ErrNotFound, "", text)
	case contains(text, deniedWords):
		return refused(ErrAuth, "", text)
	case text != "":
		return fmt.Errorf("the server ended the connection: %s", wire.Clean(text))
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
