//go:build !unix

package folder

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// handle is an open directory.
type handle struct{ root *os.Root }

// newHandle returns the handle of a root.
func newHandle(root *os.Root) (handle, error) {
	again, err := root.OpenRoot(".")
	return handle{again}, err
}

// open opens a directory in the directory.
func (h handle) open(name string) (handle, error) {
	info, err := h.root.Lstat(name)
	if err != nil {
		return handle{}, err
	}
	if !info.IsDir() {
		return handle{}, errNotDirectory
	}
	root, err := h.root.OpenRoot(name)
	return handle{root}, err
}

// list returns the directory's entries, in no order.
func (h handle) list() ([]fs.DirEntry, error) {
	file, err := h.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.ReadDir(-1)
}

// close closes the directory. There is nothing to flush.
func (h handle) close() { _ = h.root.Close() }

// read reads a file of the directory into buffer; see fill.
func (h handle) read(name string, buffer *[]byte, limit int64) ([]byte, error) {
	info, err := h.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	file, err := h.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return fill(buffer, limit, func(free []byte) (int, error) {
		n, err := file.Read(free)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	})
}

// stat returns the attributes of a name, of a link its own. The number of links is
// unknown on this platform, and 1 is returned.
func (h handle) stat(name string) (attributes, error) {
	info, err := h.root.Lstat(name)
	if err != nil {
		return attributes{}, err
	}
	return attributes{regular: info.Mode().IsRegular(), mode: info.Mode().Perm(), size: info.Size(), links: 1}, nil
}

// write creates a file and syncs it to disk.
func (h handle) write(name string, data []byte, mode fs.FileMode) error {
	file, err := h.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
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

// rename renames a file in the directory.
func (h handle) rename(from, to string) error { return h.root.Rename(from, to) }

// remove removes a file of the directory.
func (h handle) remove(name string) error { return h.root.Remove(name) }

// sync syncs the directory's names to disk, if the system supports that.
func (h handle) sync() error {
	file, err := h.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(ignoreUnsupported(file.Sync()), file.Close())
}
