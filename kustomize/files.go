package kustomize

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/pinsetter/pinsetter/strict"
)

// localConfig is the annotation by which kustomize keeps an object out of a build's
// result (sigs.k8s.io/kustomize/api/konfig).
const localConfig = "config.kubernetes.io/local-config"

var errReadOnly = errors.New("a build writes no files")

// localFiles is a disk that hands out no kustomizations with anything remote in
// them and nothing from outside of the source, and can't be written to.
type localFiles struct {
	filesys.FileSystem
	dir     string // as the user wrote it
	base    string // the same without links
	within  string // the source, without links
	what    string // what the source is
	o       Options
	made    []byte            // the kustomization of dir, if it has none
	read    map[string][]byte // the files that were read
	parsed  map[string][]piece
	bytes   int   // of the files in read
	spent   spent // by what kustomize was given, each time that it was
	copied  replacing
	whole   bool  // files are handed out whole, see concerning
	refused error // the first refusal
}

// open returns the files of the source that dir is in.
func open(dir string, o Options) (*localFiles, error) {
	l := &localFiles{FileSystem: filesys.MakeFsOnDisk(), dir: dir, o: o, read: map[string][]byte{}, parsed: map[string][]piece{}}
	var err error
	if l.base, err = resolve(dir); err != nil {
		return nil, err
	}
	for at := l.base; ; at = filepath.Dir(at) {
		if l.Exists(filepath.Join(at, ".git")) {
			l.within, l.what = at, "the Git work tree"
			return l, nil
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	l.within, l.what = l.base, "the folder that is built, which is in no Git work tree and not below the current directory"
	if here, err := resolve("."); err == nil && isWithin(here, l.base) {
		l.within, l.what = here, "the current directory, since there is no Git work tree"
	}
	return l, nil
}

// resolve returns a path that is absolute and without links.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// isWithin reports whether path is dir or below it. Both are without links.
func isWithin(dir, path string) bool {
	relative, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(relative)
}

// shown returns the path of a file that kustomize reads as the user knows it.
func (l *localFiles) shown(path string) string {
	if relative, err := filepath.Rel(l.base, path); err == nil {
		return filepath.Join(l.dir, relative)
	}
	return path
}

// refuse records an error that ends the build, whatever kustomize makes of it.
func (l *localFiles) refuse(err error) error {
	if l.refused == nil {
		l.refused = err
	}
	return err
}

// inside returns an error if a path without links is outside of the source.
func (l *localFiles) inside(path string) error {
	if isWithin(l.within, path) {
		return nil
	}
	return l.refuse(fmt.Errorf("%s is outside of %s (%s): nothing outside of it is read", l.shown(path), l.within, l.what))
}

// CleanedAbs resolves a path, which must be in the source.
func (l *localFiles) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	dir, file, err := l.FileSystem.CleanedAbs(path)
	if err == nil {
		err = l.inside(dir.Join(file))
	}
	return dir, file, err
}

// ReadFile returns a file's bytes, or those that concern the result, or an error if
// it is outside of the source, is a kustomization, or the configuration of a plugin,
// that refers to anything remote, may hold a guard that the result would lack, or
// makes the build too large.
func (l *localFiles) ReadFile(path string) ([]byte, error) {
	isRoot := isKustomization(path) && filepath.Dir(path) == l.base
	if isRoot && l.made != nil {
		if filepath.Base(path) != kustomizationNames[0] {
			return nil, os.ErrNotExist
		}
		return l.made, nil
	}
	data, err := l.load(path)
	if err != nil {
		return nil, err
	}
	if err := checkLocal(l.shown(path), data); err != nil {
		return nil, l.refuse(err)
	}
	if bytes.Contains(data, []byte(localConfig)) && l.o.Guarded(data) {
		return nil, l.refuse(fmt.Errorf("%s: kustomize leaves out what has the annotation %s, and it may be on a Gate or a PullRequest: "+
			"remove the annotation there, or take the file out of the kustomization and name it with -f", l.shown(path), localConfig))
	}
	if l.o.Guarded(data) {
		if line := behind(data); line > 0 {
			return nil, l.refuse(fmt.Errorf("%s:%d: %w", l.shown(path), line, strict.ErrBehind))
		}
	}
	if isKustomization(path) {
		l.whole = l.whole || !isPlain(data)
		l.spent.added += l.added(path, data)
		l.copied.read(l, path, data)
	} else if !l.whole {
		data = concerning(data, l.o.Wanted)
	}
	l.read[path] = data
	if err := l.spent.add(l.shown(path), data); err != nil {
		return nil, l.refuse(err)
	}
	if l.whole { // else there are no replacements
		l.copied.file(path, data)
		if err := l.copied.check(l.shown(path), &l.spent); err != nil {
			return nil, l.refuse(err)
		}
	}
	if isRoot {
		return withOrigins(data), nil
	}
	return data, nil
}

// load returns the bytes of a file of the source, and remembers them.
func (l *localFiles) load(path string) ([]byte, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if err := l.inside(target); err != nil {
		return nil, err
	}
	if info, err := os.Stat(target); err != nil || info.Size() > maxBytes {
		return nil, cmp.Or(err, l.refuse(fmt.Errorf("%s has more than %d MiB: leave it out of the kustomization", l.shown(path), maxBytes>>20)))
	}
	data, err := l.FileSystem.ReadFile(target)
	if _, again := l.read[path]; err != nil || again {
		return data, err
	}
	if l.bytes += len(data); l.bytes > maxBytes {
		return nil, l.refuse(fmt.Errorf("%s: up to this file the build reads more than %d MiB: %s", l.shown(path), maxBytes>>20, smaller))
	}
	l.read[path] = data
	return data, nil
}

// behind returns the line of a document that others stand behind, which kustomize
// passes over; 0 if there is none.
func behind(data []byte) int {
	for _, c := range strict.Split(data) {
		if _, failure := c.Parse(); failure != nil && errors.Is(failure.Err, strict.ErrBehind) {
			return failure.Line
		}
	}
	return 0
}

// originsField makes kustomize note the origin of each object.
const originsField = "buildMetadata: [originAnnotations]\n"

// withOrigins returns a kustomization that notes origins, or the same where one
// more line doesn't do that. Then objects are traced by their names alone.
func withOrigins(data []byte) []byte {
	before, ok := fieldNames(data)
	if !ok {
		return data
	}
	more := []byte(strings.TrimSuffix(string(data), "\n") + "\n" + originsField)
	after, ok := fieldNames(more)
	if !ok || len(after) != len(before)+1 || after[len(before)] != "buildMetadata" {
		return data
	}
	return more
}

// fieldNames returns the keys of a file that is one mapping, each of which it has
// once.
func fieldNames(data []byte) ([]string, bool) {
	documents := strict.Split(data)
	if len(documents) != 1 {
		return nil, false
	}
	n, failure := documents[0].Parse()
	if failure != nil || n == nil || n.Kind != strict.Mapping {
		return nil, false
	}
	var names []string
	known := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		key := strings.ToLower(name)
		if known[key] {
			return nil, false
		}
		known[key] = true
		names = append(names, name)
	}
	return names, true
}

// Create returns an error.
func (*localFiles) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir returns an error.
func (*localFiles) Mkdir(string) error { return errReadOnly }

// MkdirAll returns an error.
func (*localFiles) MkdirAll(string) error { return errReadOnly }

// RemoveAll returns an error.
func (*localFiles) RemoveAll(string) error { return errReadOnly }

// WriteFile returns an error.
func (*localFiles) WriteFile(string, []byte) error { return errReadOnly }
