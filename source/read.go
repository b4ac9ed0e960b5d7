package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Bounds on what is read: of one file, whose parts take up to seven times that in
// memory, and of all files below a directory that may hold an object. 10,000 objects
// of 1 kB, the most that we expect, are 10 MB.
const (
	MaxFileBytes = 16 << 20
	MaxBytes     = 48 << 20
)

// ErrTooLarge says that a file exceeds what is read of one.
var ErrTooLarge = fmt.Errorf("has more than %d MiB, the bound of a file: split it", MaxFileBytes>>20)

// ErrTooMuch says that files exceed what is read of a directory.
var ErrTooMuch = fmt.Errorf("is not read, since its files that may hold objects have more than %d MiB: name the folders with objects", MaxBytes>>20)

// readers is how many files ReadPath reads at a time. Two took 0.30 s for 100,000
// files on two cores; a disk that is asked more than this gains little.
const readers = 2

// ReadPath reads a file, or the files below a directory whose names IsObjects
// accepts, sorted by path. Of a directory only files that may hold an object are
// returned: mayHold says so of their bytes, or of their letters where IsWide.
//
// Links to files are followed, and links to folders below the directory; .git is
// not entered. If they have more than MaxBytes, the directory is unread, and no file is
// returned. Whatever else may hold objects is unread: what can't be read or
// leads to nothing, links to folders elsewhere, and special files by such a name.
func ReadPath(path string, mayHold func([]byte) bool) ([]File, []Unread) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, []Unread{unreadable(path, err)}
	}
	if !info.IsDir() {
		data, err := readFile(path, nil)
		if err != nil {
			return nil, []Unread{unreadable(path, err)}
		}
		return []File{{Path: path, Source: path, Data: data}}, nil
	}
	found := walk(path)
	files := make([]File, len(found.paths))
	failures := make([]error, len(found.paths))
	var next, held atomic.Int64
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			var buffer []byte
			for i := next.Add(1) - 1; i < int64(len(files)) && held.Load() <= MaxBytes; i = next.Add(1) - 1 {
				files[i], buffer, failures[i] = readCandidate(found.paths[i], buffer, mayHold)
				files[i].Source = path
				held.Add(int64(len(files[i].Data)))
			}
		})
	}
	group.Wait()
	if held.Load() > MaxBytes {
		return nil, []Unread{{Path: path, Err: ErrTooMuch}}
	}
	for i, err := range failures {
		if err != nil {
			found.unread = append(found.unread, unreadable(found.paths[i], err))
		}
	}
	slices.SortStableFunc(found.unread, func(a, b Unread) int { return strings.Compare(a.Path, b.Path) })
	return slices.DeleteFunc(files, func(f File) bool { return f.Path == "" }), found.unread
}

// unreadable is what can't be read.
func unreadable(path string, err error) Unread {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Unread{Path: path, Err: fmt.Errorf("can't be read: %w", cause(err)), Until: "it is there (is its volume mounted?), or is named no more"}
	case errors.Is(err, ErrTooLarge):
		return Unread{Path: path, Err: err}
	}
	return Unread{Path: path, Err: fmt.Errorf("can't be read: %w", cause(err))}
}

// readCandidate reads a file into buffer and returns a copy if it may hold an
// object, else the zero File. It returns the buffer for the next one.
func readCandidate(path string, buffer []byte, mayHold func([]byte) bool) (File, []byte, error) {
	data, err := readFile(path, buffer)
	if errors.Is(err, ErrTooLarge) {
		if found, e := scanFile(path, mayHold); !found && e == nil {
			return File{}, buffer, nil
		}
	}
	if err != nil {
		return File{}, buffer, err
	}
	if !Screen(data, mayHold) {
		return File{}, data, nil
	}
	return File{Path: path, Data: bytes.Clone(data)}, data, nil
}

// readFile reads a file of at most MaxFileBytes, into buffer if it fits.
func readFile(path string, buffer []byte) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFileBytes {
		return nil, ErrTooLarge
	}
	// One byte more than the file has shows its end without growing.
	content := bytes.NewBuffer(slices.Grow(buffer[:0], int(info.Size())+bytes.MinRead))
	if _, err := content.ReadFrom(io.LimitReader(file, MaxFileBytes+1)); err != nil {
		return nil, err
	}
	if content.Len() > MaxFileBytes {
		return nil, ErrTooLarge
	}
	return content.Bytes(), nil
}

// scanFile reports whether a file that is too large may hold an object, a window
// at a time.
func scanFile(path string, mayHold func([]byte) bool) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	const window, overlap = 1 << 20, 1 << 10 // a line with kind is far shorter than the overlap
	buffer := make([]byte, window+overlap)
	kept := 0
	for {
		n, err := io.ReadFull(file, buffer[kept:])
		if Screen(buffer[:kept+n], mayHold) {
			return true, nil
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return false, nil
		case err != nil:
			return false, err
		}
		kept = copy(buffer, buffer[len(buffer)-overlap:])
	}
}

// Screen is mayHold for text of any width: it reports whether a file may hold an
// object.
func Screen(data []byte, mayHold func([]byte) bool) bool {
	return mayHold(data) || IsWide(data) && mayHold(Narrow(data))
}

// ReadFrom reads everything from r. Messages show name, or "-" for "stdin" and
// "". More than the bound of a file is ErrTooLarge.
func ReadFrom(name string, r io.Reader) (File, error) {
	if name = cmp.Or(name, "-"); name == "stdin" {
		name = "-"
	}
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > MaxFileBytes {
		return File{}, fmt.Errorf("%s %w", name, ErrTooLarge)
	}
	return File{Path: name, Source: name, Data: data}, nil
}

// IsWide reports whether a file is text in UTF-16 or UTF-32, or no text: YAML has
// no zero bytes.
func IsWide(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 }

// Narrow returns the ASCII letters of such a file.
func Narrow(data []byte) []byte { return bytes.ReplaceAll(data, []byte{0}, nil) }

// cause returns what is wrong without the path, which the message names.
func cause(err error) error {
	var wrong *fs.PathError
	if errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}
