// Package index finds objects in files: which document is which object of which
// kind, with its file and line, and what is wrong with it; what is given twice, and
// what may hold a guard and can't be read. It knows no field of a spec.
package index

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// Options say how files are read.
type Options struct {
	Namespace string          // of objects that name none
	Unread    []source.Unread // what could not be read, and may hold guards
	Filled    []string        // sources that must hold an object, or what may be one
	OtherFlux bool            // another object of Flux, or a marker, fills a source too
	Artifacts bool            // OCIRepositories are read

	NoNotifications bool // what is of the group for notifications is passed over
	Advisory        bool // what is wrong with it is a warning

	// Take is called with each object, in order, while its node is there.
	Take func(*Object)
}

// Index is what was found in files.
type Index struct {
	opts     Options
	Schema   strict.Schema
	Findings []pinsetter.Finding // of no object
	source   string              // of the file that is read
	values   int                 // of the documents that may hold an object, as they are counted before they are parsed
	filled   map[string]bool     // sources that hold an object, or what may be one
	Objects  map[Key]*Object
	byName   map[Key][]*Object // without namespace; built when first asked for
	Unparsed []Unparsed
	renaming []renaming // as the files come
	Lost     []Lost

	// ArtifactsUsed says that an ArtifactAutomation may be among the objects.
	ArtifactsUsed bool
}

// Key is what an object is known by.
type Key struct {
	Kind string
	Name pinsetter.Name
}

// Unparsed is a document that may hold a Secret or the like and isn't YAML.
type Unparsed struct {
	Place string
	Data  []byte
}

// New returns an index without files.
func New(opts Options) *Index {
	return &Index{opts: opts, Schema: strict.Schema{}, Objects: map[Key]*Object{}, filled: map[string]bool{}}
}

// Add reads files, and returns a hash of them and of what they are read with. It is to
// be called once.
func (x *Index) Add(files []source.File, noCrossNamespaceRefs bool) string {
	h := digest{sha256.New()}
	h.addf("%q\n", x.opts.Namespace)
	if noCrossNamespaceRefs {
		h.addf("no cross-namespace references\n")
	}
	x.ArtifactsUsed = usesArtifacts(files)
	for _, f := range files {
		h.addf("%q %d\n", f.Path, len(f.Data))
		h.Write(f.Data)
		x.source = f.Source
		x.file(f)
	}
	x.unread()
	x.reportRenamings()
	return hex.EncodeToString(h.Sum(nil))
}
