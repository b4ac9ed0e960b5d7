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
		return handle{}, errors.New("not a directory")
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

// links returns the number of a file's hard links. On this platform it is
// unknown, and 1 is returned.
func links(fs.FileInfo) uint64 { return 1 }
