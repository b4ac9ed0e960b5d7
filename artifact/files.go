package artifact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxFiles bounds the bytes that Files returns.
const maxFiles = 256 << 20

// File is a file of an artifact.
type File struct {
	Name string // from the root of the content
	Data []byte
	Err  error // why it can't be read; nil: Data has all of it

	Unusual string // what it is instead of a file; see Entry.Unusual
}

// Wanted says which files Files returns.
type Wanted struct {
	Folder string                 // "" or ".": all; else those below it, or the file of that name
	Name   func(name string) bool // nil: all
	Holds  func(data []byte) bool // whether a file's content is wanted; nil: always
	Most   int64                  // bytes of one file
}

// errNoFolder says that nothing of an artifact is in a folder.
var errNoFolder = errors.New("has no such folder or file")

// Files returns the wanted files of the content, sorted by name. A link may lead to
// anything, so every link in the folder is returned, with an error; so is a device, a
// pipe or a file with more than Most bytes if its name is wanted, and a layer that is no
// archive if it isn't. The error is for content that can't be read, and a folder that
// isn't there.
func (c *Content) Files(ctx context.Context, w Wanted) ([]File, error) {
	found, err := w.files(func(visit func(Entry) error) error { return c.Walk(ctx, visit) })
	if errors.Is(err, errNoFolder) {
		err = fmt.Errorf("%s %w: %s", c.URL, err, w.Folder)
	}
	return found, err
}

// files returns the wanted files of a walk.
func (w Wanted) files(walk func(visit func(Entry) error) error) ([]File, error) {
	var found []File
	there, total := false, int64(0)
	err := walk(func(e Entry) error {
		if !w.within(e.Name) {
			return nil
		}
		there = true
		file, err := w.read(e)
		if err != nil || file.Name == "" {
			return err
		}
		if total += int64(len(file.Data)); total > maxFiles {
			return fmt.Errorf("its files have more than %d MiB, which is more than is read of one artifact: name a folder of it", maxFiles>>20)
		}
		found = append(found, file)
		return nil
	})
	if err == nil && !there && w.Folder != "" && w.Folder != "." {
		err = errNoFolder
	}
	slices.SortStableFunc(found, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return found, err
}

// within reports whether a name is in the folder, or leads to it.
func (w Wanted) within(name string) bool {
	return w.Folder == "" || w.Folder == "." || name == w.Folder || strings.HasPrefix(name, w.Folder+"/")
}

// read returns a file, and one without a name if it isn't wanted.
func (w Wanted) read(e Entry) (File, error) {
	isLink := strings.HasSuffix(e.Unusual, " link")
	named := w.Name == nil || w.Name(e.Name) || e.Name == w.Folder
	switch {
	case isLink, e.Unusual != "" && named:
		return File{Name: e.Name, Unusual: e.Unusual, Err: fmt.Errorf("is %s, and only files of an artifact are read", e.Unusual)}, nil
	case !named && e.Whole:
		return File{Name: e.Name, Err: errors.New("is the whole layer, which is no archive of files: push a folder, without the layer type static")}, nil
	case !named:
		return File{}, nil
	case e.Size > w.Most:
		return File{Name: e.Name, Err: fmt.Errorf("has more than %d MiB, the bound of a file: split it", w.Most>>20)}, nil
	}
	var data bytes.Buffer
	data.Grow(int(min(e.Size, 1<<20)))
	if _, err := data.ReadFrom(io.LimitReader(e.body, w.Most)); err != nil {
		return File{}, err
	}
	if w.Holds != nil && !w.Holds(data.Bytes()) {
		return File{}, nil
	}
	return File{Name: e.Name, Data: data.Bytes()}, nil
}
