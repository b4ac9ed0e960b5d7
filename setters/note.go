package setters

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/pinsetter/pinsetter"
)

// Notes is the version of notes. It changes whenever Find would find something
// else in the same bytes, or Note would write it in another form.
const Notes = "setters-16"

// Note returns the result of Find in a form that Recall reads.
func (f *File) Note() []byte {
	var w noteWriter
	w.flag(namedChart(f.path))
	w.number(len(f.Sites))
	for i, site := range f.Sites {
		w.number(site.Document)
		w.number(site.Item + 1)
		w.texts(site.Object.APIVersion, site.Object.Kind, site.Object.Namespace, site.Object.Name)
		w.texts(site.Policy.Namespace, site.Policy.Name)
		w.flag(site.Enclosing != nil)
		if e := site.Enclosing; e != nil {
			w.enclosing(e)
		}
		w.number(len(site.Markers))
		for j, m := range site.Markers {
			w.number(m.Line)
			w.number(int(m.Part))
			w.number(int(m.Kind))
			w.texts(m.Setter, m.Value)
			w.place(f.places[i][j])
		}
	}
	w.number(len(f.Findings))
	for _, finding := range f.Findings {
		w.texts(string(finding.Severity), finding.Code, finding.Message)
		w.number(finding.Line)
	}
	w.number(f.CommentedOut)
	return slices.Clone(w) // it grew by doubling
}

// Recall returns the result of Find(path, data) from a note of the same bytes,
// without parsing them. It returns false if the note is of other bytes or
// damaged; a note is trusted no further than that, and Apply finds the markers
// again before it changes a value. With nil data nothing is compared, and Apply
// changes nothing.
func Recall(path string, data, note []byte) (*File, bool) {
	r := noteReader{rest: note, data: data}
	file := &File{path: path, data: data, recalled: true}
	if r.flag() != namedChart(path) {
		return nil, false
	}
	for range r.count() {
		site := pinsetter.Site{Path: path, Document: r.number(), Item: r.number() - 1}
		site.Object = pinsetter.Object{APIVersion: r.text(), Kind: r.text(), Namespace: r.text(), Name: r.text()}
		site.Policy = pinsetter.Name{Namespace: r.text(), Name: r.text()}
		if r.flag() {
			site.Enclosing = r.enclosing()
		}
		var places []place
		for range r.count() {
			m := pinsetter.Marker{Line: r.number(), Part: r.part(), Kind: r.kind(), Setter: r.text(), Value: r.text()}
			site.Markers, places = append(site.Markers, m), append(places, r.place(m.Value))
		}
		if r.failed || len(site.Markers) == 0 {
			return nil, false
		}
		site.Written = written(site, places)
		file.Sites, file.places = append(file.Sites, site), append(file.places, places)
	}
	for range r.count() {
		finding := pinsetter.Finding{Path: path, Severity: pinsetter.Severity(r.text()), Code: r.text(), Message: r.text(), Line: r.number()}
		file.Findings = append(file.Findings, finding)
	}
	file.CommentedOut = r.number()
	return file, !r.failed && len(r.rest) == 0
}

// ErrNote is in the chain of Apply's error for a recalled file if its bytes
// don't hold what its note says.
var ErrNote = errors.New("it doesn't hold what its note says")

// searchAgain runs Find on a recalled file, and returns an error if the result
// differs from the note.
func (f *File) searchAgain() error {
	found := Find(f.path, f.data)
	same := slices.EqualFunc(found.Sites, f.Sites, func(a, b pinsetter.Site) bool {
		return a.Document == b.Document && a.Item == b.Item && a.Policy == b.Policy && a.Object == b.Object &&
			slices.Equal(a.Markers, b.Markers) && slices.Equal(a.Written, b.Written) && sameEnclosing(a.Enclosing, b.Enclosing)
	})
	if !same {
		return ErrNote
	}
	f.places, f.recalled, f.read = found.places, false, found.read
	return nil
}

// sameEnclosing reports whether the same was read of the signatures of two sites. What
// they trust isn't read from the file.
func sameEnclosing(a, b *pinsetter.Enclosing) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Provider == b.Provider && a.Secret == b.Secret && a.Root == b.Root && a.Unread == b.Unread &&
		slices.Equal(a.Identities, b.Identities)
}

// noteWriter is a note being written: numbers as unsigned varints, texts with
// their length before them.
type noteWriter []byte

func (w *noteWriter) number(n int) { *w = binary.AppendUvarint(*w, uint64(n)) }

func (w *noteWriter) flag(is bool) {
	n := 0
	if is {
		n = 1
	}
	w.number(n)
}

func (w *noteWriter) texts(texts ...string) {
	for _, text := range texts {
		w.number(len(text))
		*w = append(*w, text...)
	}
}

func (w *noteWriter) enclosing(e *pinsetter.Enclosing) {
	w.texts(e.Provider, e.Secret, e.Root, e.Unread)
	w.number(len(e.Identities))
	for _, i := range e.Identities {
		w.texts(i.Issuer, i.Subject)
	}
}

func (w *noteWriter) place(p place) {
	for _, n := range []int{p.start, p.end, int(p.quote), p.chunk.start, p.chunk.end, p.chunk.document, p.line, p.column} {
		w.number(n)
	}
	for _, is := range []bool{p.insert, p.tagged, p.chart, p.pinned} {
		w.flag(is)
	}
	w.texts(p.scheme)
}

// noteReader reads a note about data. After the first error it returns zeros.
type noteReader struct {
	rest   []byte
	data   []byte
	failed bool
}

func (r *noteReader) fail() int {
	r.rest, r.failed = nil, true
	return 0
}

func (r *noteReader) number() int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n >= 1<<31 {
		return r.fail()
	}
	r.rest = r.rest[size:]
	return int(n)
}

// count reads a number of things that follow, each of at least one byte.
func (r *noteReader) count() int {
	n := r.number()
	if n > len(r.rest) {
		return r.fail()
	}
	return n
}

func (r *noteReader) flag() bool {
	n := r.number()
	if n > 1 {
		r.fail()
	}
	return n == 1
}

func (r *noteReader) part() pinsetter.Part {
	n := r.number()
	if n > int(pinsetter.PartDigest) {
		r.fail()
	}
	return pinsetter.Part(n)
}

func (r *noteReader) kind() pinsetter.Kind {
	n := r.number()
	if n > int(pinsetter.KindText) {
		r.fail()
	}
	return pinsetter.Kind(n)
}

func (r *noteReader) text() string {
	n := r.count()
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *noteReader) enclosing() *pinsetter.Enclosing {
	e := &pinsetter.Enclosing{Provider: r.text(), Secret: r.text(), Root: r.text(), Unread: r.text()}
	for range r.count() {
		e.Identities = append(e.Identities, pinsetter.Identity{Issuer: r.text(), Subject: r.text()})
	}
	return e
}

// place reads the place of a value, and fails unless the value stands there.
func (r *noteReader) place(value string) place {
	p := place{start: r.number(), end: r.number(), quote: byte(r.number())}
	p.chunk = chunk{r.number(), r.number(), r.number()}
	p.line, p.column = r.number(), r.number()
	p.insert, p.tagged, p.chart, p.pinned = r.flag(), r.flag(), r.flag(), r.flag()
	p.scheme = r.text()
	if r.data == nil {
		return p
	}
	if p.chunk.end > len(r.data) || p.chunk.start > p.start || p.start > p.end || p.end > p.chunk.end {
		r.fail()
		return place{}
	}
	if p.quote != 0 {
		value = string(p.quote) + value + string(p.quote)
	}
	if value != "" && string(r.data[p.start:p.end]) != value {
		r.fail()
	}
	return p
}
