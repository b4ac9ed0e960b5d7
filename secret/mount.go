package secret

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// maxSecretBytes is Kubernetes' bound on a Secret.
const maxSecretBytes = 1 << 20

// Mount is a folder of mounted Secrets. Symbolic links are followed inside it, as
// Kubernetes' ..data layout needs, and not out of it.
type Mount struct {
	dir  string
	root *os.Root
}

// OpenMount opens a folder of mounted Secrets. The error doesn't name it.
func OpenMount(dir string) (*Mount, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, cause(err)
	}
	return &Mount{dir, root}, nil
}

// Close closes the folder; an error would change nothing.
func (m *Mount) Close() { m.root.Close() }

// Read returns the Secret whose keys are the files of a folder in it; nil if there
// is no such folder, or none of its entries is a file. The error says where it
// can't be read from.
func (m *Mount) Read(name pinsetter.Name, place string) (*Content, error) {
	c, err := m.read(place)
	if err != nil {
		return nil, fmt.Errorf("can't be read from %s: %w", filepath.Join(m.dir, place), cause(err))
	}
	if c != nil {
		c.Name = name
	}
	return c, nil
}

func (m *Mount) read(place string) (*Content, error) {
	entries, err := fs.ReadDir(m.root.FS(), place)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := &Content{Where: filepath.Join(m.dir, place), Mounted: true, Data: map[string]string{}}
	left := int64(maxSecretBytes)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue // ..data, and the folder that it points to
		}
		value, isFile, err := m.readKey(path.Join(place, entry.Name()), left)
		if err != nil {
			return nil, err
		}
		if isFile {
			c.Data[entry.Name()] = value
			left -= int64(len(value))
		}
	}
	if len(c.Data) == 0 {
		return nil, nil
	}
	return c, nil
}

// readKey returns a file's content; isFile is false for anything else.
func (m *Mount) readKey(name string, limit int64) (value string, isFile bool, err error) {
	info, err := m.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return "", false, err
	}
	file, err := m.root.Open(name)
	if err != nil {
		return "", false, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return "", false, err
	}
	if int64(len(content)) > limit {
		return "", false, fmt.Errorf("it has more than %d bytes", maxSecretBytes)
	}
	return string(content), true, nil
}

// isNotDir reports whether err says that a part of a path is no folder.
func isNotDir(err error) bool {
	var wrong *fs.PathError
	return errors.As(err, &wrong) && strings.Contains(wrong.Err.Error(), "not a directory")
}

// cause returns what is wrong without the path, which the message names.
func cause(err error) error {
	var wrong *fs.PathError
	if errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}
