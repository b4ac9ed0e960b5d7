//go:build unix

package folder

import (
	"errors"
	"io/fs"
	"os"

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
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return handle{}, errNotDirectory
	}
	if err != nil {
		return handle{}, err
	}
	return handle{os.NewFile(uintptr(fd), name)}, nil
}

// openat opens a name in the directory.
func (h handle) openat(name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(int(h.file.Fd()), name, flags, 0o600)
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

// stat returns the attributes of a name, of a link its own.
func (h handle) stat(name string) (attributes, error) {
	for {
		var stat unix.Stat_t
		switch err := unix.Fstatat(int(h.file.Fd()), name, &stat, unix.AT_SYMLINK_NOFOLLOW); err {
		case nil:
			return attributes{
				regular: stat.Mode&unix.S_IFMT == unix.S_IFREG,
				mode:    fs.FileMode(stat.Mode & 0o777),
				size:    stat.Size,
				links:   uint64(stat.Nlink),
			}, nil
		case unix.EINTR:
		default:
			return attributes{}, err
		}
	}
}

// write creates a file and syncs it to disk.
func (h handle) write(name string, data []byte, mode fs.FileMode) error {
	fd, err := h.openat(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		return err
	}
	for len(data) > 0 && err == nil {
		var n int
		if n, err = unix.Write(fd, data); errors.Is(err, unix.EINTR) {
			err = nil
		}
		data = data[max(n, 0):]
	}
	if err == nil {
		err = unix.Fchmod(fd, uint32(mode)) // despite the umask
	}
	if err == nil {
		err = fsync(fd)
	}
	return errors.Join(err, unix.Close(fd))
}

// fsync syncs an open file or directory to disk.
func fsync(fd int) error {
	for {
		if err := unix.Fsync(fd); err != unix.EINTR {
			return err
		}
	}
}

// rename renames a file in the directory.
func (h handle) rename(from, to string) error {
	fd := int(h.file.Fd())
	return unix.Renameat(fd, from, fd, to)
}

// remove removes a file of the directory.
func (h handle) remove(name string) error { return unix.Unlinkat(int(h.file.Fd()), name, 0) }

// sync syncs the directory's names to disk, if the system supports that.
func (h handle) sync() error { return ignoreUnsupported(fsync(int(h.file.Fd()))) }
