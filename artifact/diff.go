package artifact

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// maxShown bounds a file whose bytes a Difference has.
const maxShown = 1 << 20

// Change is how a file differs.
type Change string

// The ways in which a file of the local folder differs from the artifact's.
const (
	Added   Change = "added" // only the folder has it
	Removed Change = "removed"
	Changed Change = "changed"
	Mode    Change = "mode" // only one of the two may be executed
)

// Difference is a file that a push would change.
type Difference struct {
	Path   string `json:"path"`
	Change Change `json:"change"`

	// Old and New are the bytes of the artifact's file and of the local one, nil where
	// there is none, or they are hidden.
	Old []byte `json:"-"`
	New []byte `json:"-"`

	// Hidden says why the bytes aren't there; "": they are.
	Hidden string `json:"-"`

	Executable bool `json:"-"` // of the local file
}

// Diff returns how a local source differs from an artifact, sorted by path. Only
// names, contents and whether a file may be executed count, so artifacts that were
// packed under another umask, or with other compression, are equal. If the local
// layer has the digest of the artifact's, nothing is pulled.
func Diff(ctx context.Context, c *Content, s Source) ([]Difference, error) {
	packed, err := Pack(ctx, s)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	if packed.Digest == c.layer.Digest {
		return []Difference{}, nil
	}
	local, err := s.files(ctx, packed)
	if err != nil {
		return nil, err
	}
	defer local.close()
	found := []Difference{}
	err = c.Walk(ctx, func(e Entry) error {
		if e.Unusual != "" {
			return nil // Flux leaves it out too
		}
		d, err := local.compare(e)
		if err == nil && d.Change != "" {
			found = append(found, d)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	added, err := local.rest()
	found = append(found, added...)
	slices.SortFunc(found, func(a, b Difference) int { return strings.Compare(a.Path, b.Path) })
	return found, err
}

// localFiles are the files of a source that were not compared yet.
type localFiles struct {
	root  *os.Root        // nil: bytes has the only file
	bytes []byte          // of the only file
	files map[string]bool // whether each may be executed
	only  string          // the file of a static layer, which has no name; "": files has the names
}

func (l *localFiles) close() {
	if l.root != nil {
		_ = l.root.Close()
	}
}

// files returns the files that Pack packed: it reads the headers of the packed layer.
func (s Source) files(ctx context.Context, packed *Layer) (*localFiles, error) {
	l := &localFiles{files: map[string]bool{}, bytes: s.Bytes}
	if s.LayerType == LayerStatic {
		l.only = cmp.Or(filepath.Base(s.Path), stdinName)
		l.files[l.only] = false
	} else {
		file, err := os.Open(packed.path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if err := walkTar(ctx, file, func(e Entry) error {
			l.files[e.Name] = e.Executable
			return nil
		}); err != nil {
			return nil, err
		}
	}
	if s.Bytes != nil {
		return l, nil
	}
	dir := s.Path
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	var err error
	l.root, err = os.OpenRoot(dir)
	return l, err
}

// open opens a local file.
func (l *localFiles) open(name string) (io.ReadCloser, error) {
	if l.root == nil {
		return io.NopCloser(bytes.NewReader(l.bytes)), nil
	}
	return l.root.Open(name)
}

// compare compares a file of the artifact with the local one, which counts as
// compared then. Its Change is "" if both are equal.
func (l *localFiles) compare(e Entry) (Difference, error) {
	name := cmp.Or(l.only, e.Name)
	executable, there := l.files[name]
	if !there {
		old, more, err := shown(e.body)
		return hidden(Difference{Path: name, Change: Removed, Old: old}, more != nil), err
	}
	delete(l.files, name)
	file, err := l.open(name)
	if err != nil {
		return Difference{}, err
	}
	defer file.Close()
	old, oldRest, err := shown(e.body)
	if err != nil {
		return Difference{}, err
	}
	data, newRest, err := shown(file)
	if err != nil {
		return Difference{}, err
	}
	d := hidden(Difference{Path: name, Old: old, New: data, Executable: executable}, oldRest != nil || newRest != nil)
	equal := bytes.Equal(old, data)
	if equal {
		equal, err = sameContent(oldRest, newRest)
	}
	switch {
	case err != nil:
		return Difference{}, err
	case !equal:
		d.Change = Changed
	case executable != e.Executable && l.only == "":
		d.Change = Mode
	}
	return d, nil
}

// rest returns the files that only the source has.
func (l *localFiles) rest() ([]Difference, error) {
	var all []Difference
	for name, executable := range l.files {
		file, err := l.open(name)
		if err != nil {
			return nil, err
		}
		data, more, err := shown(file)
		_ = file.Close()
		if err != nil {
			return nil, err
		}
		all = append(all, hidden(Difference{Path: name, Change: Added, New: data, Executable: executable}, more != nil))
	}
	return all, nil
}

// kindSecret finds a Secret in YAML or JSON.
var kindSecret = pinsetter.Pattern(`(?m)["']?\bkind["']?\s*:\s*["']?Secret\b`)

// hidden takes the bytes out of a difference that nobody is to see, or that are too
// many.
func hidden(d Difference, large bool) Difference {
	switch {
	case large:
		d.Hidden = "has more than 1 MiB, which isn't shown"
	case kindSecret().Match(d.Old), kindSecret().Match(d.New):
		d.Hidden = "holds a Secret, which isn't shown"
	default:
		return d
	}
	d.Old, d.New = nil, nil
	return d
}

// shown reads up to maxShown bytes. More is what follows them, nil without any.
func shown(from io.Reader) (data []byte, more io.Reader, err error) {
	data, err = io.ReadAll(io.LimitReader(from, maxShown+1))
	if len(data) > maxShown {
		more = from
	}
	if data == nil {
		data = []byte{}
	}
	return data, more, err
}

// sameContent reports whether two readers have the same bytes; nil has none.
func sameContent(a, b io.Reader) (bool, error) {
	if a == nil || b == nil {
		return a == b, nil
	}
	const window = 64 << 10
	one, other := make([]byte, window), make([]byte, window)
	for {
		n, err := io.ReadFull(a, one)
		if err != nil && !ended(err) {
			return false, err
		}
		m, otherErr := io.ReadFull(b, other)
		if otherErr != nil && !ended(otherErr) {
			return false, otherErr
		}
		if !bytes.Equal(one[:n], other[:m]) {
			return false, nil
		}
		if err != nil || otherErr != nil {
			return err != nil && otherErr != nil, nil
		}
	}
}

func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF } //nolint:errorlint // io.ReadFull's
