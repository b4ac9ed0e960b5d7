package refusal

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/git/wire"
)

// Words by which servers say over ssh the things that have a status in HTTP, in
// lower case: those of git, GitHub, GitLab, Bitbucket, Gitea, Azure DevOps,
// Gerrit and gitolite.
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

// notOurRef is how git's upload-pack refuses a commit that no ref is at any
// more.
const notOurRef = "not our ref"

// faultWords are those of a server that tried and failed, in lower case: a
// file's permission, a disk. They are looked for before words about access.
var faultWords = []string{
	"insufficient permission for adding an object", "read only file system", "no space left on device", "disk quota exceeded",
	"input/output error", "too many open files", "cannot allocate memory",
}

// filePermission is a system's message about a file that a program may not use.
var filePermission = pinsetter.Pattern(`(?i)(?:'|/\S*): permission denied`)

// isFault reports whether a text is about a fault of the server itself.
func isFault(text string) bool {
	return contains(text, faultWords) || filePermission().MatchString(text)
}

// OfText returns the error for a text that a server sent before it ended.
func OfText(text string) error {
	switch {
	case NotOurRef(text):
		return New(ErrStale, "", text)
	case isFault(text):
		return New(errFault, "", text)
	case contains(text, notFoundWords):
		return New(ErrNotFound, "", text)
	case contains(text, deniedWords):
		return New(ErrAuth, "", text)
	}
	return fmt.Errorf("the server ended the connection: %s", wire.Clean(text))
}

// NotOurRef reports whether a server refuses a commit because no ref leads to
// it.
func NotOurRef(text string) bool { return strings.Contains(text, notOurRef) }

// contains reports whether a text has one of some words, which have blanks for
// hyphens: servers write "non-fast-forward" in three ways.
func contains(text string, words []string) bool {
	text = strings.ReplaceAll(strings.ToLower(text), "-", " ")
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
