package folder

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// Read returns the bytes of a regular file. Name is relative to the folder,
// with slashes. It doesn't follow links.
func (f *Folder) Read(name string) ([]byte, error) {
	e := f.Edit()
	data, err := e.Read(name)
	return data, errors.Join(err, e.Close())
}

// Replace replaces the content of one file, as Editor.Replace does.
func (f *Folder) Replace(name string, old, data []byte) error {
	e := f.Edit()
	return errors.Join(e.Replace(name, old, data), e.Close())
}

// Editor replaces files of a folder. It keeps the directory of the last file open,
// so files of one directory should follow one another. It is not safe for concurrent
// use, but several Editors of a folder are.
//
// After a crash a file has its old or its new bytes, never a mixture and never none:
// the new bytes are synced to disk under another name before they take the file's.
// A name is synced with its directory, once for all its files: when the Editor
// goes on to another directory, and by Close. Before that, a crash may bring back the
// old bytes. It may leave a file ".NAME.pinsetter-…" behind.
type Editor struct {
	folder  *Folder
	dir     string // of the handle, relative to the folder; only valid if open
	handle  handle
	open    bool
	renamed bool    // a file of it was replaced since it was synced
	failed  []error // of directories that it left
	buffer  []byte
}

// Edit returns an Editor. Close it after use.
func (f *Folder) Edit() *Editor { return &Editor{folder: f} }

// Close syncs the names of what was replaced to disk. It returns an error for each
// directory that can't be synced.
func (e *Editor) Close() error {
	e.leave()
	failed := e.failed
	e.failed = nil
	return errors.Join(failed...)
}

// Read returns the bytes of a regular file. Name is relative to the folder,
// with slashes. It doesn't follow links.
func (e *Editor) Read(name string) ([]byte, error) {
	base, err := e.enter(name)
	if err != nil {
		return nil, e.folder.wrap("read", name, err)
	}
	was, err := e.regular(base)
	if err != nil {
		return nil, e.folder.wrap("read", name, err)
	}
	data := make([]byte, 0, was.size+1) // fill asks until some of it is free
	data, err = e.handle.read(base, &data, MaxSize)
	if err != nil {
		return nil, e.folder.wrap("read", name, err)
	}
	return data, nil
}

// Replace replaces the content of a file. A reader sees the old or the new bytes.
// Name is relative to the folder, with slashes. The mode is kept; the owner becomes
// this process's user. If the file doesn't hold the bytes of old, Replace leaves it
// alone and returns ErrChanged. It refuses a symbolic link, and a file with a second
// hard link, since replacing would separate the two. The directory must be writable.
func (e *Editor) Replace(name string, old, data []byte) error {
	base, err := e.enter(name)
	if err == nil {
		err = e.replace(base, old, data)
	}
	if err != nil {
		return e.folder.wrap("replace", name, err)
	}
	return nil
}

// replace writes a temporary file beside the file and renames it.
func (e *Editor) replace(name string, old, data []byte) error {
	was, err := e.regular(name)
	if err != nil {
		return err
	}
	if int64(len(old)) != was.size {
		return ErrChanged
	}
	if was.links > 1 {
		return errors.New("the file has more than one hard link, which replacing it would part: write it by other means, or unlink one")
	}
	temporary := "." + name + ".pinsetter-" + rand.Text()[:8]
	if err := e.handle.write(temporary, data, was.mode); err != nil {
		return errors.Join(fmt.Errorf("write a new file beside it: %w", cause(err)), ignoreMissing(e.handle.remove(temporary)))
	}
	// Compare right before the rename, since writing may have taken a while.
	if err := e.unchanged(name, was, old); err != nil {
		return errors.Join(err, e.handle.remove(temporary))
	}
	if err := e.handle.rename(temporary, name); err != nil {
		return errors.Join(cause(err), e.handle.remove(temporary))
	}
	e.renamed = true
	return nil
}

// attributes are those of a name in a directory.
type attributes struct {
	regular bool
	mode    fs.FileMode // the permissions
	size    int64
	links   uint64
}

// regular returns the attributes of a regular file.
func (e *Editor) regular(name string) (attributes, error) {
	now, err := e.handle.stat(name)
	switch {
	case err != nil:
		return attributes{}, err
	case !now.regular:
		return attributes{}, errNotRegular
	case now.size > MaxSize:
		return attributes{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxSize)
	}
	return now, nil
}

// unchanged returns ErrChanged unless a file has its attributes and holds the bytes of
// old.
func (e *Editor) unchanged(name string, was attributes, old []byte) error {
	data, err := e.handle.read(name, &e.buffer, MaxSize)
	if err != nil {
		return err
	}
	now, err := e.handle.stat(name)
	if err != nil {
		return err
	}
	if now != was || !bytes.Equal(data, old) {
		return ErrChanged
	}
	return nil
}

// enter opens the directory of a file, if it isn't open, and returns the file's name
// there. No part of the path may be a link.
func (e *Editor) enter(name string) (base string, err error) {
	if name == "." || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", fmt.Errorf("%q is no path below the folder", name)
	}
	dir, base := path.Split(name)
	if e.open && dir == e.dir {
		return base, nil
	}
	e.leave()
	at, err := newHandle(e.folder.root)
	if err != nil {
		return "", err
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if part == "" { // the folder itself
			break
		}
		next, err := at.open(part)
		at.close()
		if errors.Is(err, errNotDirectory) {
			return "", fmt.Errorf("%s is %w", part, err)
		}
		if err != nil {
			return "", err
		}
		at = next
	}
	e.dir, e.handle, e.open = dir, at, true
	return base, nil
}

// leave syncs and closes the directory.
func (e *Editor) leave() {
	if !e.open {
		return
	}
	if e.renamed {
		if err := e.handle.sync(); err != nil {
			e.failed = append(e.failed, e.folder.wrap("sync", path.Clean(e.dir), err))
		}
	}
	e.handle.close()
	e.open, e.renamed = false, false
}

// ignoreUnsupported returns err, or nil if err says that a directory can't be synced
// here.
func ignoreUnsupported(err error) error {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrInvalid) {
		return nil
	}
	return err
}

// ignoreMissing returns err, or nil if err says that the file doesn't exist.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
