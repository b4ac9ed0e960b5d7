package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// maxFile bounds the bytes of each file that is read.
const maxFile = 1 << 20

// watchedFiles is a value parsed from files that may change. It is safe for
// concurrent use.
type watchedFiles[T any] struct {
	paths []string
	parse func(files [][]byte) (T, error)
	log   *slog.Logger

	mu    sync.Mutex
	infos []fs.FileInfo // of the files at the last reading; nil for a missing one
	value T
}

// reread reads and parses files together, and again when one of them has
// changed. It returns an error only for the first reading.
func reread[T any](paths []string, log *slog.Logger, parse func(files [][]byte) (T, error)) (*watchedFiles[T], error) {
	r := &watchedFiles[T]{paths: paths, parse: parse, log: log}
	r.infos = r.stat()
	value, err := r.read()
	r.value = value
	return r, err
}

// now returns the current value, or the last valid one if the files are invalid
// now. It logs an error once.
func (r *watchedFiles[T]) now() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	infos := r.stat()
	if same(infos, r.infos) {
		return r.value
	}
	r.infos = infos // taken before reading: a change during the reading is noticed next time
	value, err := r.read()
	if err != nil {
		r.log.Warn("a changed file is not taken up", "error", err)
		return r.value
	}
	r.log.Info("a changed file is taken up", "file", strings.Join(r.paths, ", "))
	r.value = value
	return value
}

func (r *watchedFiles[T]) stat() []fs.FileInfo {
	infos := make([]fs.FileInfo, len(r.paths))
	for i, path := range r.paths {
		infos[i], _ = os.Stat(path) // read reports the error
	}
	return infos
}

// same reports whether no file was replaced or written between a and b.
func same(a, b []fs.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && (!os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime())) {
			return false
		}
	}
	return true
}

func (r *watchedFiles[T]) read() (T, error) {
	var none T
	files := make([][]byte, len(r.paths))
	for i, path := range r.paths {
		var err error
		if files[i], err = readBounded(path); err != nil {
			return none, err
		}
	}
	value, err := r.parse(files)
	if err != nil {
		return none, fmt.Errorf("read %s: %w", strings.Join(r.paths, " and "), err)
	}
	return value, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, reason(err))
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read %s: it has more than %d KiB", path, maxFile>>10)
	}
	return data, nil
}

// reason returns why a file can't be read, without its path.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
