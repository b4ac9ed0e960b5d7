package bot

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/selector"
)

// Rewritten is what Set did to a directory.
type Rewritten struct {
	Files    int             // with markers
	Policies []*fleet.Policy // that markers name, of those that were loaded; sorted by name
	Changes  []pinsetter.Change
	Held     []pinsetter.Hold
	Findings []pinsetter.Finding
	Err      error // joined; everything else was done
}

// Set rewrites the markers below dir in place, for every policy that was loaded.
// A file is replaced whole or not at all, and only if nobody else has changed it
// meanwhile. Paths in the result begin with dir.
func (b *Bot) Set(ctx context.Context, dir string) *Rewritten {
	c := b.newCycle(Push)
	defer c.selector.Tell(ctx)
	r := &Rewritten{}
	f, err := folder.Open(dir)
	if err != nil {
		r.Err = err
		return r
	}
	defer f.Close()
	c.o.Progress("reading " + dir)
	marked, names, err := f.Marked(ctx)
	r.Files = len(marked)
	r.fail(err)
	policies := c.named(names)
	r.Policies = policies
	c.selector.All(ctx, policies)
	for _, p := range keep(policies, isSuspended) {
		r.Findings = append(r.Findings, lint.Suspended(p))
	}
	w := &rewriting{c: c, folder: f, asked: inquiries{}, result: r}
	for len(marked) > 0 {
		n := atOnce(marked)
		w.files(ctx, marked[:n])
		marked = marked[n:]
	}
	r.locate(dir)
	return r
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

// place decides a site of a directory, which belongs to no automation.
func (w *rewriting) place(ctx context.Context, site pinsetter.Site) decide.Decision {
	c := w.c
	policy := c.set.Policy(site.Policy)
	if policy == nil {
		return decide.Decision{}
	}
	sel := c.selector.Selection(ctx, policy)
	if sel.Err != nil && !errors.Is(sel.Err, selector.ErrSuspended) {
		return decide.Decision{Err: sel.Err}
	}
	d := w.asked.decide(ctx, sel, site)
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

// inquiries are those of several policies, to decide site by site.
type inquiries map[*selector.Selection]*selector.Inquiry

// decide decides one site of a directory: nothing is proposed there, and nobody
// remembers what was written.
func (q inquiries) decide(ctx context.Context, sel *selector.Selection, site pinsetter.Site) decide.Decision {
	if q[sel] == nil {
		q[sel] = sel.Inquire()
	}
	g := &plan.Ground{}
	return q[sel].Decide(ctx, []decide.View{g.View(ctx, site)}, g.LookUp)[0]
}
