//go:build unix

package folder

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// flags open a name for reading and refuse a symbolic link.
const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// handle is an open directory. os.Root could open files too, but walking
// 100,000 small files through it takes three to four times as long
// (BenchmarkFind): each file costs a poller, a finalizer and the garbage of an
// os.File.
type handle struct{ file *os.File }

// newHandle returns the handle of a root.
func newHandle(root *os.Root) (handle, error) {
	file, err := root.Open(".")
	return handle{file}, err
}

// open opens a directory in the directory.
func (h handle) open(name string) (handle, error) {
	fd, err := h.openat(name, flags|unix.O_DIRECTORY)
	if err != nil {
		return handle{}, err
	}
	return handle{os.NewFile(uintptr(fd), name)}, nil
}

// openat opens a name in the directory.
func (h handle) openat(name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(int(h.file.Fd()), name, flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// list returns the directory's entries, in no order.
func (h handle) list() ([]fs.DirEntry, error) { return h.file.ReadDir(-1) }

// close closes the directory. There is nothing to flush.
func (h handle) close() { _ = h.file.Close() }

// read reads a file of the directory into buffer; see fill.
func (h handle) read(name string, buffer *[]byte, limit int64) ([]byte, error) {
	// Don't block on a pipe that replaced the file.
	fd, err := h.openat(name, flags|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return fill(buffer, limit, func(free []byte) (int, error) {
		for {
			n, err := unix.Read(fd, free)
			if err != unix.EINTR {
				return max(n, 0), err
			}
		}
	})
}

// links returns the number of a file's hard links, 1 if it is unknown.
func links(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}
