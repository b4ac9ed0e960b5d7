package folder

import (
	"fmt"
	"path"
	"slices"
	"sync/atomic"
)

// directory is an open directory shared by several tasks. The last one closes
// it.
type directory struct {
	handle
	path string // relative to the folder, with slashes; "" is the folder
	uses atomic.Int32
}

// newDirectory returns a directory with one use.
func newDirectory(h handle, path string) *directory {
	d := &directory{handle: h, path: path}
	d.uses.Store(1)
	return d
}

// use counts one more task, which calls done.
func (d *directory) use() *directory {
	d.uses.Add(1)
	return d
}

// done ends one use.
func (d *directory) done() {
	if d.uses.Add(-1) == 0 {
		d.close()
	}
}

// entries returns the names of the directory's wanted regular files (want nil:
// all), and of its directories except ".git". It skips links and special files.
func (d *directory) entries(want func(name string) bool) (files, dirs []string, err error) {
	list, err := d.list()
	for _, e := range list {
		name := e.Name()
		switch {
		case e.IsDir() && name != ".git":
			dirs = append(dirs, name)
		case e.Type().IsRegular() && (want == nil || want(name)):
			files = append(files, name)
		}
	}
	return files, dirs, err
}

// below returns the path of one of the directory's entries.
func (d *directory) below(name string) string { return path.Join(d.path, name) }

// firstBuffer is the initial size of a read buffer. All but one in a thousand
// YAML files in Git fit.
const firstBuffer = 64 << 10

// fill reads a regular file by calling read until it leaves some of the buffer
// free. That is the end of a regular file (POSIX.1-2024, read), and another
// call would cost as much as reading most files. It replaces the buffer by a
// larger one if needed, and returns the part that was read. More than limit
// bytes are an error.
func fill(buffer *[]byte, limit int64, read func(free []byte) (int, error)) ([]byte, error) {
	data := (*buffer)[:0]
	for {
		if len(data) == cap(data) {
			data = slices.Grow(data, max(firstBuffer, len(data)))
			*buffer = data
		}
		n, err := read(data[len(data):cap(data)])
		if err != nil {
			return nil, err
		}
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		if n == 0 || len(data) < cap(data) {
			return data, nil
		}
	}
}
