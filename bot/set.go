package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
)

// Rewritten is what Set did to a directory.
type Rewritten struct {
	Files    int // with markers
	Changes  []pinsetter.Change
	Held     []pinsetter.Hold
	Findings []pinsetter.Finding
	Err      error // joined; everything else was done
}

// markedPath is what is kept of a marked file between reading and deciding: not
// its bytes, so that memory follows the number of markers, of each of which there
// is little more than its text.
type markedPath struct {
	path     string
	note     []byte             // what was found in it
	tooLarge *pinsetter.Finding // that it could not be searched, or nil
}

// found returns what was found in the file.
func (m markedPath) found() (*setters.File, error) {
	if m.tooLarge != nil {
		return &setters.File{Findings: []pinsetter.Finding{*m.tooLarge}}, nil
	}
	file, ok := setters.Recall(m.path, nil, m.note)
	if !ok {
		return nil, fmt.Errorf("%s: %w", m.path, setters.ErrNote)
	}
	return file, nil
}

// Set rewrites the markers below dir in place, for every policy that was loaded.
// A file is replaced whole or not at all, and only if nobody else has changed it
// meanwhile. Paths in the result begin with dir.
func (b *Bot) Set(ctx context.Context, dir string) *Rewritten {
	c := b.newCycle(Push)
	r := &Rewritten{}
	f, err := folder.Open(dir)
	if err != nil {
		r.Err = err
		return r
	}
	defer f.Close()
	c.o.Progress("reading " + dir)
	marked, names, err := findIn(ctx, f)
	r.Files = len(marked)
	r.fail(err)
	policies := c.named(names)
	c.selector.all(ctx, policies)
	for _, p := range keep(policies, isSuspended) {
		r.Findings = append(r.Findings, suspended(p))
	}
	asked := inquiries{}
	for _, file := range marked {
		if err := c.rewrite(ctx, f, asked, file, r); err != nil {
			r.fail(err)
		}
	}
	r.locate(dir)
	return r
}

// findIn returns the marked files of a folder, sorted by path, and the policies
// that their markers name. A file that is too large to be searched is there with a
// finding.
func findIn(ctx context.Context, f *folder.Folder) ([]markedPath, map[pinsetter.Name]bool, error) {
	var mu sync.Mutex
	names := map[pinsetter.Name]bool{}
	options := folder.Options{Want: setters.IsCandidate, Screen: setters.HasToken, MaxSize: setters.MaxSize}
	marked, err := folder.Each(ctx, f, options, func(path string, data []byte) (markedPath, bool) {
		found := setters.Find(path, data)
		mu.Lock()
		defer mu.Unlock()
		for _, site := range found.Sites {
			names[site.Policy] = true
		}
		return markedPath{path: path, note: found.Note()}, true
	})
	var failed []error
	for _, err := range errorList(err) {
		var at *folder.FileError
		if errors.Is(err, folder.ErrTooLarge) && errors.As(err, &at) {
			finding := tooLarge(at.Path, err)
			marked = append(marked, markedPath{path: at.Path, tooLarge: &finding})
			continue
		}
		failed = append(failed, err)
	}
	slices.SortStableFunc(marked, func(a, b markedPath) int { return cmp.Compare(a.path, b.path) })
	return marked, names, errors.Join(failed...)
}

// named returns the policies of these names that were loaded, sorted by name.
func (b *Bot) named(names map[pinsetter.Name]bool) []*fleet.Policy {
	var policies []*fleet.Policy
	for _, name := range slices.SortedFunc(maps.Keys(names), pinsetter.Name.Compare) {
		if p := b.set.Policy(name); p != nil {
			policies = append(policies, p)
		}
	}
	return policies
}

// rewrite decides a file's sites and replaces the file if one of them moves.
func (c *cycle) rewrite(ctx context.Context, f *folder.Folder, asked inquiries, file markedPath, r *Rewritten) error {
	shown, err := file.found()
	if err != nil {
		return err
	}
	r.Findings = append(r.Findings, shown.Findings...)
	moves := false
	for _, site := range shown.Sites {
		d := c.place(ctx, asked, site)
		switch {
		case d.Hold != nil:
			r.Held = append(r.Held, *d.Hold)
		case d.Err != nil:
			r.fail(d.Err)
		}
		if policy := c.set.Policy(site.Policy); policy == nil {
			r.Findings = append(r.Findings, *c.unknownPolicy(site))
		} else {
			r.Findings = append(r.Findings, replaced(site, policy)...)
		}
		moves = moves || d.Takes.Tag != "" && !shows(site, d.Takes)
	}
	if !moves {
		return nil
	}
	data, err := f.Read(file.path)
	if err != nil {
		return err
	}
	found := setters.Find(file.path, data)
	takes := map[int]pinsetter.Image{}
	for i, site := range found.Sites {
		if d := c.place(ctx, asked, site); d.Takes.Tag != "" { // holds and errors are said above
			takes[i] = d.Takes
		}
	}
	replaced, changes, err := found.Apply(takes)
	if err != nil || len(changes) == 0 {
		return err
	}
	if err := f.Replace(file.path, data, replaced); err != nil {
		return err
	}
	r.Changes = append(r.Changes, changes...)
	return nil
}

// place decides a site of a directory, which belongs to no automation.
func (c *cycle) place(ctx context.Context, asked inquiries, site pinsetter.Site) decide.Decision {
	policy := c.set.Policy(site.Policy)
	if policy == nil {
		return decide.Decision{}
	}
	sel := c.selector.selection(ctx, policy)
	if sel.Err != nil && !errors.Is(sel.Err, errSuspended) {
		return decide.Decision{Err: sel.Err}
	}
	d := asked.decide(ctx, sel, site)
	if d.Moved != "" {
		c.o.Log.Warn(d.Moved, "imagePolicy", policy.Name, "path", site.Path, "line", site.Line())
	}
	return d
}

// shows reports whether every marker of site is sure to show image.
func shows(site pinsetter.Site, image pinsetter.Image) bool {
	for _, m := range site.Markers {
		wanted := map[pinsetter.Part]string{
			pinsetter.PartReference: image.String(),
			pinsetter.PartName:      image.Name,
			pinsetter.PartTag:       image.Tag,
			pinsetter.PartDigest:    image.Digest,
		}[m.Part]
		if m.Value != wanted || m.Part == pinsetter.PartName && site.Object.Kind == "OCIRepository" { // which wants oci://
			return false
		}
	}
	return true
}

// fail records err, which may be nil, once.
func (r *Rewritten) fail(err error) {
	if err != nil && !slices.ContainsFunc(errorList(r.Err), func(e error) bool { return e.Error() == err.Error() }) {
		r.Err = errors.Join(r.Err, err)
	}
}

// locate puts dir before all paths.
func (r *Rewritten) locate(dir string) {
	at := func(path *string) { *path = filepath.Join(dir, filepath.FromSlash(*path)) }
	for i := range r.Changes {
		at(&r.Changes[i].Path)
	}
	for i := range r.Held {
		at(&r.Held[i].Path)
	}
	for i := range r.Findings {
		at(&r.Findings[i].Path)
	}
}

// errorList returns the errors that err joins.
func errorList(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, errorList(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
