// Package folder reads and rewrites the files of a local directory. Nothing
// outside of the directory is reached, no symbolic link is followed, and a file
// is replaced whole or not at all.
package folder

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// MaxSize is the default bound on a file's bytes.
const MaxSize = 64 << 20

// ErrChanged says that a file is not as it was read: somebody else writes it.
// Reading the folder again is the way out.
var ErrChanged = errors.New("the file changed since it was read")

// ErrTooLarge says that a file is over Options.MaxSize and was not looked at.
var ErrTooLarge = errors.New("too large")

// FileError is what is wrong with one file or directory of a folder.
type FileError struct {
	Path string // relative to the folder, with slashes
	Err  error  // what was done, to which file, and what went wrong
}

// Error returns the text of Err.
func (e *FileError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// errNotRegular says that a name leads to no regular file.
var errNotRegular = errors.New("not a regular file")

// Folder is an open directory. Its methods are safe for concurrent use.
type Folder struct {
	root *os.Root
	dir  string
}

// Open opens a directory. The caller closes it.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder %q: %w", dir, cause(err))
	}
	return &Folder{root: root, dir: dir}, nil
}

// Close releases the directory.
func (f *Folder) Close() error { return f.root.Close() }

// wrap adds what was done to which file.
func (f *Folder) wrap(verb, name string, err error) error {
	return fmt.Errorf("%s %s: %w", verb, path.Join(filepath.ToSlash(f.dir), name), cause(err))
}

// cause strips the operation and name that os puts before an error: the caller
// has better ones.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
