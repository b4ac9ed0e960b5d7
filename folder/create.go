package folder

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
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
	parent, base, err := f.parent(name)
	if err != nil {
		return f.wrap("create", name, err)
	}
	defer parent.Close()
	if err := create(parent, base, data); err != nil {
		return f.wrap("create", name, err)
	}
	return nil
}

// create writes a temporary file and renames it.
func create(dir *os.Root, name string, data []byte) error {
	temporary := "." + name + ".pinsetter-" + rand.Text()[:8]
	if err := write(dir, temporary, data, 0o644); err != nil {
		return errors.Join(err, ignoreMissing(dir.Remove(temporary)))
	}
	_, err := dir.Lstat(name)
	if err == nil {
		err = fs.ErrExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = dir.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(cause(err), dir.Remove(temporary))
	}
	return syncNames(dir)
}
