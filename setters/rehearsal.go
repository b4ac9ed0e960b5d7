package setters

import (
	"slices"

	"github.com/pinsetter/pinsetter"
)

// Rehearsal is an Insert that was done before the names of the policies were
// known. The names are text of comments: other ones change neither where a
// value stands nor which comment belongs to it. Only whether two are equal
// matters, since that makes one site of their markers or two.
type Rehearsal struct {
	sheet *Sheet
	marks []Mark
	spots []spot
	sites []pinsetter.Site
}

// Rehearse inserts markers whose policies' names stand for others. It returns
// nil if one of the markers would be refused, or the file holds a marker
// already, whose policy could be one of theirs. It is safe for concurrent use.
func (s *Sheet) Rehearse(marks []Mark) *Rehearsal {
	if len(marks) == 0 || HasToken(s.data) {
		return nil
	}
	found, spots, refused := s.insertFound(marks)
	if slices.ContainsFunc(refused, func(err error) bool { return err != nil }) {
		return nil
	}
	return &Rehearsal{s, marks, spots, found.Sites}
}

// Insert returns what Sheet.Insert returns for the marks, of which none is
// refused. It returns false if the rehearsal doesn't tell: other values are
// marked, a name is none of a policy, or two policies have one name where the
// rehearsal had two, or the reverse.
func (r *Rehearsal) Insert(marks []Mark) (Marked, bool) {
	names, ok := r.names(marks)
	if !ok {
		return Marked{}, false
	}
	m := Marked{r.sheet.insert(marks, r.spots, make([]error, len(marks))), slices.Clone(r.sites)}
	for i := range m.Sites {
		m.Sites[i].Policy = names[m.Sites[i].Policy]
		m.Sites[i].Markers = slices.Clone(m.Sites[i].Markers)
		for j := range m.Sites[i].Markers {
			marker := &m.Sites[i].Markers[j]
			marker.Setter = Mark{Policy: m.Sites[i].Policy, Part: marker.Part}.setter()
		}
	}
	return m, len(m.Data) <= MaxSize
}

// Covers reports whether Insert can tell for the marks.
func (r *Rehearsal) Covers(marks []Mark) bool {
	_, ok := r.names(marks)
	return ok
}

// isBehind reports whether two marks of a file are of one value.
func (m Mark) isBehind(other Mark) bool {
	return m.Document.chunk == other.Document.chunk && m.Node.Line == other.Node.Line && m.Node.Column == other.Node.Column
}

// names returns the policies of marks by those that were rehearsed.
func (r *Rehearsal) names(marks []Mark) (map[pinsetter.Name]pinsetter.Name, bool) {
	if len(marks) != len(r.marks) {
		return nil, false
	}
	names, distinct := map[pinsetter.Name]pinsetter.Name{}, map[pinsetter.Name]bool{}
	for i, m := range marks {
		was := r.marks[i]
		name, known := names[was.Policy]
		if !m.isBehind(was) || m.Part != was.Part || known && name != m.Policy {
			return nil, false
		}
		if _, err := parseSetter(m.setter()); err != nil {
			return nil, false
		}
		names[was.Policy], distinct[m.Policy] = m.Policy, true
	}
	return names, len(names) == len(distinct)
}
