package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// IsObjects reports whether a file by this name may hold objects: its name ends in
// .yaml, .yml or .json, in any case.
func IsObjects(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return !isEditorLock(filepath.Base(name))
	}
	return false
}

// isEditorLock reports whether a name is that of an editor's lock, a link to nothing.
func isEditorLock(name string) bool { return strings.HasPrefix(name, ".#") }

// skipFolder reports whether a folder holds no objects: Git's own, and those that
// Kubernetes keeps behind the links of a mounted ConfigMap.
func skipFolder(name string) bool { return name == ".git" || mountedFolder().MatchString(name) }

// mountedFolder matches what Kubernetes names the folders of a mounted ConfigMap
// or Secret (k8s.io/kubernetes, pkg/volume/util/atomic_writer.go).
var mountedFolder = pinsetter.Pattern(`^\.\.(data(_tmp)?$|[0-9]{4})`)

// maxFollowed bounds the links to folders that are followed below a directory.
const maxFollowed = 1000

// tree is what was found below a directory.
type tree struct {
	root, real string          // as it was named, and without links
	paths      []string        // of files that may hold objects, sorted
	unread     []Unread        // what could not be entered, or is not followed
	entered    map[string]bool // folders that were entered by links, without links
}

// walk finds the files below a directory.
func walk(root string) *tree {
	t := &tree{root: root, entered: map[string]bool{}}
	var err error
	if t.real, err = filepath.EvalSymlinks(root); err == nil {
		t.real, err = filepath.Abs(t.real)
	}
	if err != nil {
		t.unread = []Unread{unreadable(root, err)}
		return t
	}
	t.enter(root)
	for i, path := range t.paths {
		t.paths[i] = filepath.Clean(path)
	}
	slices.Sort(t.paths)
	return t
}

// enter finds the files below a folder.
func (t *tree) enter(folder string) {
	visit := func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		switch {
		case err != nil:
			t.unread = append(t.unread, unreadable(filepath.Clean(path), err))
		case entry.IsDir():
			if filepath.Clean(path) != filepath.Clean(folder) && skipFolder(name) {
				return fs.SkipDir
			}
		case entry.Type()&fs.ModeSymlink != 0:
			t.link(path, name)
		case IsObjects(name):
			t.file(path, entry.Type())
		}
		return nil
	}
	// With a slash at the end, a folder that is a symbolic link is entered.
	if err := filepath.WalkDir(strings.TrimSuffix(folder, "/")+"/", visit); err != nil {
		t.unread = append(t.unread, unreadable(filepath.Clean(folder), err))
	}
}

// file notes a file that may hold objects.
func (t *tree) file(path string, mode fs.FileMode) {
	if !mode.IsRegular() {
		t.unread = append(t.unread, Unread{Path: path, Err: errors.New("is no regular file, and is not read"), Until: "it is one, or is gone"})
		return
	}
	t.paths = append(t.paths, path)
}

// link follows a symbolic link. One that leads to nothing may have led to objects.
func (t *tree) link(path, name string) {
	if skipFolder(name) || isEditorLock(name) {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		t.unread = append(t.unread, Unread{Path: path, Err: fmt.Errorf("is a symbolic link that can't be followed: %w", cause(err)), Until: "it leads somewhere, or is gone"})
	case info.IsDir():
		t.linkedFolder(path)
	case IsObjects(name):
		t.file(path, info.Mode())
	}
}

// linkedFolder enters a folder that a link leads to, if it is below the root and is
// not entered anyway.
func (t *tree) linkedFolder(path string) {
	folder, err := filepath.EvalSymlinks(path)
	if err == nil {
		folder, err = filepath.Abs(folder)
	}
	if err != nil {
		t.unread = append(t.unread, unreadable(path, err))
		return
	}
	relative, err := filepath.Rel(t.real, folder)
	if err != nil || relative == ".." || strings.HasPrefix(relative, "../") {
		t.unread = append(t.unread, Unread{
			Path: path, Err: fmt.Errorf("is a symbolic link to a folder outside of %s, which is not followed", t.root),
			Until: "it is gone and what it leads to is named instead (-f)",
		})
		return
	}
	if !slices.ContainsFunc(strings.Split(relative, "/"), skipFolder) || t.entered[folder] {
		return
	}
	if len(t.entered) == maxFollowed {
		t.unread = append(t.unread, Unread{Path: path, Err: fmt.Errorf("is one of more than %d links to folders, and is not followed", maxFollowed)})
		return
	}
	t.entered[folder] = true
	t.enter(path)
}
