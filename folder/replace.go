package folder

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// Read returns the bytes of a regular file. Name is relative to the folder,
// with slashes. It doesn't follow links.
func (f *Folder) Read(name string) ([]byte, error) {
	parent, base, err := f.parent(name)
	if err != nil {
		return nil, f.wrap("read", name, err)
	}
	defer parent.Close()
	data, _, err := readRegular(parent, base)
	if err != nil {
		return nil, f.wrap("read", name, err)
	}
	return data, nil
}

// Replace replaces the content of a file. A reader sees the old or the new
// bytes, also after a crash. Name is relative to the folder, with slashes. The
// mode is kept; the owner becomes this process's user. If the file doesn't hold
// the bytes of old, Replace writes nothing and returns ErrChanged. It refuses a
// symbolic link, and a file with a second hard link, since replacing would
// separate the two. The directory must be writable.
func (f *Folder) Replace(name string, old, data []byte) error {
	parent, base, err := f.parent(name)
	if err != nil {
		return f.wrap("replace", name, err)
	}
	defer parent.Close()
	if err := replace(parent, base, old, data); err != nil {
		return f.wrap("replace", name, err)
	}
	return nil
}

// parent opens the directory of a file. No part of its path may be a link.
func (f *Folder) parent(name string) (*os.Root, string, error) {
	if name == "." || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, "", fmt.Errorf("%q is no path below the folder", name)
	}
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	for at := dir; at != "."; at = path.Dir(at) {
		info, err := f.root.Lstat(at)
		if err != nil {
			return nil, "", err
		}
		if !info.IsDir() {
			return nil, "", fmt.Errorf("%s is a link or no directory", at)
		}
	}
	parent, err := f.root.OpenRoot(dir)
	return parent, base, err
}

// readRegular returns the bytes and the attributes of a regular file.
func readRegular(dir *os.Root, name string) ([]byte, fs.FileInfo, error) {
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	if info.Size() > MaxSize {
		return nil, nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxSize)
	}
	data, err := dir.ReadFile(name)
	return data, info, err
}

// replace writes a temporary file beside the file and renames it.
func replace(dir *os.Root, name string, old, data []byte) error {
	info, err := unchanged(dir, name, old)
	if err != nil {
		return err
	}
	if links(info) > 1 {
		return errors.New("the file has more than one hard link, which replacing it would part: write it by other means, or unlink one")
	}
	temporary := "." + name + ".pinsetter-" + rand.Text()[:8]
	if err := write(dir, temporary, data, info.Mode().Perm()); err != nil {
		return errors.Join(err, ignoreMissing(dir.Remove(temporary)))
	}
	// Check again right before the rename: writing may have taken a while.
	if _, err := unchanged(dir, name, old); err != nil {
		return errors.Join(err, dir.Remove(temporary))
	}
	if err := dir.Rename(temporary, name); err != nil {
		return errors.Join(cause(err), dir.Remove(temporary))
	}
	return syncNames(dir)
}

// unchanged returns ErrChanged unless a file holds the bytes of old.
func unchanged(dir *os.Root, name string, old []byte) (fs.FileInfo, error) {
	now, info, err := readRegular(dir, name)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(now, old) {
		return nil, ErrChanged
	}
	return info, nil
}

// write creates a file and syncs it to disk.
func write(dir *os.Root, name string, data []byte, mode fs.FileMode) error {
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write a new file beside it: %w", cause(err))
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Chmod(mode) // despite the umask
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncNames syncs a directory's entries to disk, if the system supports that.
func syncNames(dir *os.Root) error {
	file, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("sync the directory: %w", cause(err))
	}
	return nil
}

// ignoreMissing returns err, or nil if err says that the file doesn't exist.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
