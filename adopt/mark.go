package adopt

import (
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// mark inserts the markers and the lines of digests, and takes the references back
// whose markers can't be written or would be held. A file that nothing is proposed for
// has no edit. The entries are those of the lines.
func (p *proposer) mark(files []*File) ([]Edit, []Entry) {
	byFile := map[*File][]*ask{}
	for _, a := range p.asks {
		if a.group != nil {
			a.policy = a.group.name
			a.entry.Policy = a.policy.String()
		}
		byFile[a.file] = append(byFile[a.file], a)
	}
	all, lines := make([]Edit, len(files)), make([][]Entry, len(files))
	reflecting := p.reflecting()
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		asks := byFile[f]
		if len(asks) == 0 && !slices.ContainsFunc(f.References, func(r Reference) bool { return r.Marked && r.tagAlone() }) {
			continue
		}
		g.Go(func() error {
			data := f.Data
			if len(asks) > 0 {
				data = f.mark(asks)
			}
			data, lines[i] = f.digestLines(data, reflecting)
			all[i] = Edit{f.Path, f.Data, data}
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
	for _, a := range p.asks {
		if a.group != nil && a.entry.Skipped != "" {
			a.group.asks = slices.DeleteFunc(a.group.asks, func(b *ask) bool { return a == b })
		}
	}
	return Edits(all), slices.Concat(lines...)
}

// mark returns the file with the markers of asks, as far as they can be written.
func (f *File) mark(asks []*ask) []byte {
	for {
		var marks []setters.Mark
		var of []*ask
		for _, a := range asks {
			for _, m := range a.Marks(a.policy) {
				if a.entry.Skipped == "" && !setters.IsMarked(m.Node) {
					marks, of = append(marks, m), append(of, a)
				}
			}
		}
		if len(marks) == 0 {
			return f.Data
		}
		found, refused := f.insert(marks)
		taken := false
		for i, err := range refused {
			if err != nil {
				of[i].refuse(err.Error())
				taken = true
			}
		}
		if !taken {
			taken = unfit(found.Sites, asks)
		}
		if !taken {
			return found.Data
		}
	}
}

// insert inserts markers. The rehearsal spares a parse, if it was one of these.
func (f *File) insert(marks []setters.Mark) (setters.Marked, []error) {
	if f.rehearsal != nil {
		if marked, ok := f.rehearsal.Insert(marks); ok {
			return marked, make([]error, len(marks))
		}
	}
	return f.sheet.Insert(marks)
}

// Rehearse does a part of Propose's work before the registries have answered. It
// ends when ctx does, however much is done. The files were resolved.
func Rehearse(ctx context.Context, files []*File) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, f := range files {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			f.rehearse()
			return nil
		})
	}
	_ = g.Wait() // the functions return no error
}

// rehearse inserts a marker behind each value that may get one, as if each image
// had one policy: nearly all have.
func (f *File) rehearse() {
	policies := stand{}
	var marks []setters.Mark
	for i := range f.References {
		r := &f.References[i]
		if !r.isOpen() {
			continue
		}
		marks = append(marks, r.Marks(policies.in(r.Image.Name))...)
	}
	if len(marks) > 0 && (f.rehearsal == nil || !f.rehearsal.Covers(marks)) {
		f.rehearsal = f.sheet.Rehearse(marks)
	}
}

// unfit takes back the references whose sites would be held, and reports whether
// there were any.
func unfit(sites []pinsetter.Site, asks []*ask) bool {
	taken := false
	for _, site := range sites {
		for _, a := range asks {
			if a.entry.Skipped != "" || a.policy != site.Policy || !slices.ContainsFunc(site.Markers, func(m pinsetter.Marker) bool { return m.Line == a.Line }) {
				continue
			}
			if misfit := setters.Unfit(site, a.Image.Name); misfit != nil {
				a.refuse(misfit.Reason)
				taken = true
			}
		}
	}
	return taken
}

// refuse takes a proposal back.
func (a *ask) refuse(why string) {
	*a.entry = a.entryOf(why)
}

func (a *ask) entryOf(why string) Entry {
	e := a.Reference.entry()
	e.Skipped = why
	return e
}
