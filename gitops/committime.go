package gitops

import (
	"fmt"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	"github.com/pinsetter/pinsetter"
)

// commitHash finds the hash of a commit in text, such as "main@sha1:<hash>".
var commitHash = pinsetter.Pattern(`\b[0-9a-f]{40}\b`)

// CommitTime returns when the commit was made that a text names last, else the one
// that is checked out. GitDir is the .git of a work tree, and common the one whose
// objects it uses: itself, but in linked work trees (gitrepository-layout(5)). It
// reads files, and runs nothing. The error is for a repository without a commit, and
// one that can't be read.
func CommitTime(gitDir, common, text string) (time.Time, error) {
	files := dotgit.NewRepositoryFilesystem(osfs.New(gitDir), osfs.New(common))
	objects := filesystem.NewStorage(files, cache.NewObjectLRUDefault())
	if named := commitHash().FindAllString(text, -1); len(named) > 0 {
		if commit, err := object.GetCommit(objects, plumbing.NewHash(named[len(named)-1])); err == nil {
			return commit.Committer.When.UTC(), nil
		}
	}
	head, err := storer.ResolveReference(objects, plumbing.HEAD)
	if err != nil {
		return time.Time{}, fmt.Errorf("read HEAD of %s: %w", gitDir, err)
	}
	commit, err := object.GetCommit(objects, head.Hash())
	if err != nil {
		return time.Time{}, fmt.Errorf("read commit %s of %s: %w", head.Hash(), gitDir, err)
	}
	return commit.Committer.When.UTC(), nil
}
