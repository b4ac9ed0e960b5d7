package lint

import (
	"context"
	"os"
	"path/filepath"

	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
)

// source judges the markers in a file or directory of objects. What can't be read
// of it has a finding already, by those who read the objects.
func (l *linter) source(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil
	case info.IsDir():
		return l.folder(ctx, path)
	case !info.Mode().IsRegular() || !setters.IsCandidate(filepath.Base(path)):
		return nil // a pipe can't be read twice
	}
	dir, name := filepath.Dir(path), filepath.Base(path)
	if info.Size() > setters.MaxSize {
		l.found(dir, setters.TooLarge(name, folder.ErrTooLarge))
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil || !setters.HasToken(data) || !l.first(path) {
		return nil
	}
	l.file(setters.Find(name, data), dir, fromRepositoryRoot(dir))
	return nil
}

// first reports whether a file is judged for the first time: folders may lie in
// each other, and be named twice.
func (l *linter) first(path string) bool {
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	known := l.judged[path]
	l.judged[path] = true
	return !known
}
