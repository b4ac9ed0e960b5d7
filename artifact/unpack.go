package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// Unpacked says what Unpack wrote.
type Unpacked struct {
	Files int
	Left  []string // what is no file, as "NAME is a symbolic link"
}

// Unpack writes the content below a folder, which it makes. A file that is there is
// replaced; others stay. Nothing outside of the folder is written, wherever names and
// the folder's own links lead. Files get the mode 0644 or 0755.
func (c *Content) Unpack(ctx context.Context, dir string) (Unpacked, error) {
	var done Unpacked
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return done, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return done, err
	}
	u := &unpacker{root: root, buffer: make([]byte, 256<<10)}
	defer u.close()
	err = c.Walk(ctx, func(e Entry) error {
		if e.Unusual != "" {
			done.Left = append(done.Left, e.Name+" is "+e.Unusual)
			return nil
		}
		if err := u.write(e); err != nil {
			return fmt.Errorf("unpack %s: %w", e.Name, err)
		}
		done.Files++
		return nil
	})
	return done, err
}

// unpacker writes files below a root. It keeps the folder of the last one open, since
// a root looks at every part of a path.
type unpacker struct {
	root   *os.Root
	folder *os.Root // nil: none
	at     string   // path of folder
	buffer []byte
}

func (u *unpacker) close() {
	if u.folder != nil {
		_ = u.folder.Close()
	}
	_ = u.root.Close()
}

func (u *unpacker) write(e Entry) error {
	if err := u.enter(path.Dir(e.Name)); err != nil {
		return err
	}
	mode := fs.FileMode(modeFile)
	if e.Executable {
		mode = modeExecutable
	}
	file, err := u.create(path.Base(e.Name), mode)
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(onlyWriter{file}, e.body, u.buffer); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// enter opens a folder, and makes it if it isn't there.
func (u *unpacker) enter(folder string) error {
	if u.folder != nil && u.at == folder {
		return nil
	}
	if u.folder != nil {
		_ = u.folder.Close()
		u.folder = nil
	}
	if err := u.root.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	opened, err := u.root.OpenRoot(folder)
	u.folder, u.at = opened, folder
	return err
}

// create makes a file in the open folder, in place of a file or link of that name.
func (u *unpacker) create(name string, mode fs.FileMode) (*os.File, error) {
	const alone = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	file, err := u.folder.OpenFile(name, alone, mode)
	if !errors.Is(err, fs.ErrExist) {
		return file, err
	}
	if err := u.folder.Remove(name); err != nil {
		return nil, err
	}
	return u.folder.OpenFile(name, alone, mode)
}
