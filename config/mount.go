package config

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

// mount is a folder of mounted Secrets. Symbolic links are followed inside it, as
// Kubernetes' ..data layout needs, and not out of it.
type mount struct {
	dir  string
	root *os.Root
}

func (l *loader) openSecretDirs() {
	for _, dir := range l.opts.SecretDirs {
		root, err := os.OpenRoot(dir)
		if err != nil {
			l.fault(codeSecretDir, dir, 0, fmt.Sprintf("the folder of Secrets can't be read: %v", cause(err)))
			continue
		}
		l.mounts = append(l.mounts, mount{dir, root})
	}
}

func (l *loader) closeSecretDirs() {
	for _, m := range l.mounts {
		m.root.Close()
	}
}

// mounted returns the copies of a Secret that the folders hold. If one can't be
// read, that is reported to o and ok is false.
func (l *loader) mounted(o *object, field string, name pinsetter.Name) (found []*secret, ok bool) {
	ok = true
	for _, m := range l.mounts {
		places := []string{path.Join(name.Namespace, name.Name)}
		if name.Namespace == l.opts.Namespace {
			places = append(places, name.Name)
		}
		for _, place := range places {
			s, err := m.read(place)
			if err != nil {
				ok = false
				o.fail(codeSecretDir, field, "Secret %s can't be read from %s: %v", name, filepath.Join(m.dir, place), cause(err))
			}
			if s != nil {
				s.name = name
				found = append(found, s)
			}
		}
	}
	return found, ok
}

// read returns the Secret whose keys are the files of a folder; nil if there is
// no folder, or none of its entries is a file.
func (m mount) read(place string) (*secret, error) {
	entries, err := fs.ReadDir(m.root.FS(), place)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &secret{where: filepath.Join(m.dir, place), Data: map[string]string{}}
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
			s.Data[entry.Name()] = value
			left -= int64(len(value))
		}
	}
	if len(s.Data) == 0 {
		return nil, nil
	}
	return s, nil
}

// readKey returns a file's content; isFile is false for anything else.
func (m mount) readKey(name string, limit int64) (value string, isFile bool, err error) {
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
