package folder

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Create writes a new file, and the directories on the way to it. Name is
// relative to the folder, with slashes. The error wraps fs.ErrExist if there is
// something of that name already; then Create writes nothing.
func (f *Folder) Create(name string, data []byte) error {
	if dir := path.Dir(path.Clean(name)); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return f.wrap("create", name, err)
		}
	}
	e := f.Edit()
	base, err := e.enter(name)
	if err == nil {
		err = e.create(base, data)
	}
	if err = errors.Join(err, e.Close()); err != nil {
		return f.wrap("create", name, err)
	}
	return nil
}

// create writes a temporary file and renames it.
func (e *Editor) create(name string, data []byte) error {
	temporary := "." + name + ".pinsetter-" + rand.Text()[:8]
	if err := e.handle.write(temporary, data, 0o644); err != nil {
		return errors.Join(fmt.Errorf("write a new file beside it: %w", cause(err)), ignoreMissing(e.handle.remove(temporary)))
	}
	_, err := e.handle.stat(name)
	if err == nil {
		err = fs.ErrExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = e.handle.rename(temporary, name)
	}
	if err != nil {
		return errors.Join(cause(err), e.handle.remove(temporary))
	}
	e.renamed = true
	return nil
}
