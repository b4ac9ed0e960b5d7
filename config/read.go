package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// File is the bytes of one file. Path is what messages show.
type File struct {
	Path string
	Data []byte
}

// ErrTooLarge says that a file exceeds what is read of one.
var ErrTooLarge = fmt.Errorf("has more than %d MiB, the bound of a file: split it", maxFileBytes>>20)

// readers is how many files ReadPath reads at a time. Two took 0.30 s for 100,000
// files on two cores; a disk that is asked more than this gains little.
const readers = 2

// ReadPath reads a file, or the *.yaml and *.yml files below a directory, sorted
// by path. Of a directory only files that may hold an object of a kind that Load
// reads are returned; it is told from their bytes, without parsing. Folders
// that are symbolic links are not entered, nor is .git. A file that can't be read
// is in the error, and the others are returned.
func ReadPath(path string) ([]File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	if !info.IsDir() {
		data, err := readFile(path, nil)
		if err != nil {
			return nil, err
		}
		return []File{{Path: path, Data: data}}, nil
	}
	paths, problems := list(path)
	files := make([]File, len(paths))
	failures := make([]error, len(paths))
	var next atomic.Int64
	var group errgroup.Group
	for range readers {
		group.Go(func() error {
			var buffer []byte
			for i := next.Add(1) - 1; i < int64(len(paths)); i = next.Add(1) - 1 {
				files[i], buffer, failures[i] = readCandidate(paths[i], buffer)
			}
			return nil
		})
	}
	_ = group.Wait() // no reader returns an error
	files = slices.DeleteFunc(files, func(f File) bool { return f.Path == "" })
	return files, errors.Join(append(problems, failures...)...)
}

// list returns the paths of the YAML files below a directory, sorted, and what
// could not be entered.
func list(root string) (paths []string, problems []error) {
	walk := func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("read %s: %w", path, cause(err)))
			return nil
		case entry.IsDir() && path != root && skipFolder(entry.Name()):
			return fs.SkipDir
		case !entry.IsDir() && isYAML(entry.Name()) && isFile(path, entry):
			paths = append(paths, path)
		}
		return nil
	}
	// With a slash at the end, a root that is a symbolic link is entered.
	_ = filepath.WalkDir(strings.TrimSuffix(root, "/")+"/", walk) // walk returns no error
	for i, path := range paths {
		paths[i] = filepath.Clean(path)
	}
	slices.Sort(paths)
	return paths, problems
}

// skipFolder reports whether a folder holds no objects: Git's own, and those that
// Kubernetes keeps behind the links of a mounted ConfigMap.
func skipFolder(name string) bool { return name == ".git" || strings.HasPrefix(name, "..") }

func isYAML(name string) bool {
	// .#x.yaml is an editor's lock, a link to nothing.
	return (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) && !strings.HasPrefix(name, ".#")
}

// isFile reports whether an entry is a file or a link to one. A link to nothing
// is taken for a file, so that it is reported.
func isFile(path string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err != nil || info.Mode().IsRegular()
}

// readCandidate reads a file into buffer and returns a copy if it may hold an
// object, else the zero File. It returns the buffer for the next one.
func readCandidate(path string, buffer []byte) (File, []byte, error) {
	data, err := readFile(path, buffer)
	if errors.Is(err, ErrTooLarge) {
		if found, e := scanFile(path); !found && e == nil {
			return File{}, buffer, nil
		}
	}
	if err != nil {
		return File{}, buffer, err
	}
	if utf16(data) == "" && !mayHold(data) {
		return File{}, data, nil
	}
	return File{Path: path, Data: bytes.Clone(data)}, data, nil
}

// readFile reads a file of at most maxFileBytes, into buffer if it fits.
func readFile(path string, buffer []byte) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	if info.Size() > maxFileBytes {
		return nil, fmt.Errorf("%s %w", path, ErrTooLarge)
	}
	// One byte more than the file has shows its end without growing.
	content := bytes.NewBuffer(slices.Grow(buffer[:0], int(info.Size())+bytes.MinRead))
	if _, err := content.ReadFrom(io.LimitReader(file, maxFileBytes+1)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, cause(err))
	}
	if content.Len() > maxFileBytes {
		return nil, fmt.Errorf("%s %w", path, ErrTooLarge)
	}
	return content.Bytes(), nil
}

// scanFile reports whether a file that is too large may hold an object, a window
// at a time.
func scanFile(path string) (bool, error) {
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
		if mayHold(buffer[:kept+n]) {
			return true, nil
		}
		if err != nil {
			return false, nil // the end
		}
		kept = copy(buffer, buffer[len(buffer)-overlap:])
	}
}

// ReadFrom reads everything from r. Messages show name, or "-" for "stdin" and
// "". More than the bound of a file is ErrTooLarge.
func ReadFrom(name string, r io.Reader) (File, error) {
	if name = cmp.Or(name, "-"); name == "stdin" {
		name = "-"
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFileBytes {
		return File{}, fmt.Errorf("%s %w", name, ErrTooLarge)
	}
	return File{Path: name, Data: data}, nil
}
