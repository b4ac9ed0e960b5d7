// Package remote reads the sources of objects that lie elsewhere: folders of Git
// repositories, and of artifacts in registries. Like package source it says what
// could not be read, and knows no kind of object.
package remote

import (
	"context"
	"strings"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/verify"
)

// What the names of sources begin with.
const (
	gitScheme = "git+"
	ociScheme = "oci://"
)

// IsGit reports whether a source is a folder of a Git repository:
// "git+https://HOST/REPO//FOLDER?ref=BRANCH", also git+http, git+ssh and git+file.
func IsGit(name string) bool { return strings.HasPrefix(name, gitScheme) }

// IsArtifact reports whether a source is an artifact:
// "oci://HOST/REPO[:TAG][@DIGEST][//FOLDER]".
func IsArtifact(name string) bool { return strings.HasPrefix(name, ociScheme) }

// userinfo matches the part of a URL that may hold a password.
var userinfo = pinsetter.Pattern(`//[^/@]*@`)

// WithoutUser returns the name of a source without a possible password. It may be
// several names, separated by commas.
func WithoutUser(name string) string { return userinfo().ReplaceAllString(name, "//") }

// Reader reads remote sources. All fields must be set before the first call. It is
// safe for concurrent use.
type Reader struct {
	Git      gitops.Options
	Registry func() *registry.Registry      // called once, for the first artifact
	Roots    *verify.Roots                  // of signatures without keys
	Signers  func() ([]*fleet.Trust, error) // who must have signed an artifact, by the first; none: nobody
	Progress func(string)                   // told what is being read

	mu       sync.Mutex
	registry *registry.Registry
	read     map[string]ociSource // artifacts as they were read last, by name
}

// Read returns the files of a source that may hold an object, as mayHold says of
// their bytes, and what could not be read. An artifact that has not changed, nor who
// is trusted, is not read again.
func (r *Reader) Read(ctx context.Context, name string, mayHold func([]byte) bool) ([]source.File, []source.Unread) {
	if IsArtifact(name) {
		return r.readOCI(ctx, name, mayHold)
	}
	return r.readGit(ctx, name, mayHold)
}
