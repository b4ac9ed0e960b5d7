// Package folder reads and rewrites the files of a local directory. It reaches
// nothing outside of the directory and follows no symbolic link. A file is
// replaced whole or not at all.
package folder

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// MaxSize is the default bound on a file's size in bytes.
const MaxSize = 64 << 20

// ErrChanged says that somebody else changed a file after it was read. Read the
// folder again.
var ErrChanged = errors.New("the file changed since it was read")

// ErrTooLarge says that a file is larger than Options.MaxSize and was skipped.
var ErrTooLarge = errors.New("too large")

// FileError is an error about one file or directory of a folder.
type FileError struct {
	Path string // relative to the folder, with slashes
	Err  error  // names the operation, the file and the cause
}

// Error returns the text of Err.
func (e *FileError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

var (
	// errNotRegular says that a name leads to no regular file.
	errNotRegular = errors.New("not a regular file")

	// errNotDirectory says that a name in the middle of a path leads to no directory.
	errNotDirectory = errors.New("a link or no directory")
)

// Folder is an open directory. Its methods are safe for concurrent use.
type Folder struct {
	root *os.Root
	dir  string
}

// Open opens a directory. Close it after use.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder %q: %w", dir, cause(err))
	}
	return &Folder{root: root, dir: dir}, nil
}

// Close releases the directory.
func (f *Folder) Close() error { return f.root.Close() }

// wrap adds the operation and the file to an error.
func (f *Folder) wrap(verb, name string, err error) error {
	return fmt.Errorf("%s %s: %w", verb, path.Join(filepath.ToSlash(f.dir), name), cause(err))
}

// cause removes the operation and name that os adds to an error; callers add
// better ones.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
