package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
)

// plan is what one automation does on top of one snapshot.
type plan struct {
	automation *fleet.Automation
	ground     *ground
	marked     []markedFile
	written    []message.Written // for the message
	files      map[string][]byte // new bytes by path
	commit     string            // hash, once there is one
	head       *gitops.Snapshot  // with it, or what it would be on
	wrote      map[store.Site]pinsetter.Image
	only       *fleet.Policy // decide nothing but this policy's sites; nil: all
	selections map[pinsetter.Name]*selection
	fileErr    error // files that could not be read
	result     *Result
}

// markedFile is a file with markers, and what its sites take.
type markedFile struct {
	*setters.File
	path  string
	data  []byte
	takes map[int]pinsetter.Image // by index of the site

	// kept are sites that take what is proposed already, though it could not be
	// written now: it waits, or it is refused, and then never written again.
	kept map[int]decide.Fate
}

// newMarkedFile returns a file whose sites take nothing yet.
func newMarkedFile(found *setters.File, path string, data []byte) markedFile {
	return markedFile{found, path, data, map[int]pinsetter.Image{}, map[int]decide.Fate{}}
}

// take has the i-th site take what was decided.
func (f markedFile) take(i int, d decide.Decision) {
	if d.Takes.Tag != "" {
		f.takes[i] = d.Takes
	}
	if d.Fate == decide.Waits || d.Fate == decide.Refused {
		f.kept[i] = d.Fate
	}
}

// find is step 2: it gathers the markers below the automation's path. Of a file
// that was searched before, with these bytes, they are remembered.
func (c *cycle) find(ctx context.Context, a *fleet.Automation, g *ground, head *gitops.Snapshot) *plan {
	p := &plan{automation: a, ground: g, result: newResult(a)}
	p.result.Revision = g.revision
	c.o.Progress("reading " + a.Name.String())
	var marked []gitops.File
	for file, err := range head.Files(ctx, a.Path, setters.IsCandidate) {
		if errors.Is(err, gitops.ErrBound) && file.Path != "" {
			p.result.Findings = append(p.result.Findings, setters.TooLarge(file.Path, err))
			continue
		}
		if err != nil {
			if file.Path == "" {
				err = fmt.Errorf("spec.update.path: %w", err)
			}
			p.fileErr = errors.Join(p.fileErr, fmt.Errorf("ImageUpdateAutomation %s: %w", a.Name, err))
			continue
		}
		if file.Note != nil || setters.HasToken(file.Data) {
			marked = append(marked, file)
		}
	}
	search := func(f gitops.File) *setters.File {
		found, recalled := setters.Recall(f.Path, f.Data, f.Note)
		if !recalled {
			found = setters.Find(f.Path, f.Data)
			if f.Note == nil { // else it is that of a file whose name makes it something else
				head.Note(f, found.Note())
			}
		}
		return found
	}
	for i, found := range each(marked, search) {
		p.result.Findings = append(p.result.Findings, found.Findings...)
		p.marked = append(p.marked, newMarkedFile(found, marked[i].Path, marked[i].Data))
	}
	p.result.fail(p.fileErr)
	return p
}

// decide is step 3: every site takes an image, or stays, or is held.
func (c *cycle) decide(ctx context.Context, p *plan) {
	policies := c.policies(p)
	c.selector.all(ctx, policies)
	c.selector.again(ctx, c.outrun(ctx, p, policies), p.ground.readAt)
	p.selections = map[pinsetter.Name]*selection{}
	for _, policy := range policies {
		sel := c.selector.selection(ctx, policy)
		p.selections[policy.Name] = sel
		switch {
		case errors.Is(sel.Err, errSuspended):
			p.result.Findings = append(p.result.Findings, lint.Suspended(policy))
		case sel.Err != nil:
			p.result.fail(sel.Err)
		}
	}
	c.recall(ctx, p)
	c.sight(ctx, p)
	said := map[*selection]bool{}
	for _, at := range c.places(ctx, p) {
		d, sel := at.decision, at.selection
		if d.Moved != "" {
			c.o.Log.Warn(d.Moved, "imagePolicy", sel.Object.Name, "path", at.view.Site.Path, "line", at.view.Site.Line())
		}
		if d.Err != nil && !said[sel] {
			said[sel] = true
			p.result.fail(d.Err)
		}
		at.file.take(at.index, d)
		if d.Hold != nil {
			p.result.Held = append(p.result.Held, *d.Hold)
		}
	}
}

// place is a site of a plan, and what is decided for it.
type place struct {
	file      markedFile
	index     int        // of the site in the file
	selection *selection // of its policy; nil where the plan doesn't decide for that
	view      decide.View
	decision  decide.Decision
}

// places decides the sites of a plan, in their order: those of a policy together,
// policies in parallel.
func (c *cycle) places(ctx context.Context, p *plan) []*place {
	var places []*place
	of := map[*selection][]*place{}
	for _, file := range p.marked {
		for i, site := range file.Sites {
			at := &place{file: file, index: i, selection: p.selections[site.Policy]}
			places = append(places, at)
			switch {
			case at.selection != nil:
				at.view = p.ground.view(ctx, site)
				of[at.selection] = append(of[at.selection], at)
			case c.set.Missing.MayHide():
				at.decision = decide.Hidden(p.ground.view(ctx, site))
			}
		}
	}
	each(slices.Collect(maps.Keys(of)), func(sel *selection) any {
		views := make([]decide.View, len(of[sel]))
		for i, at := range of[sel] {
			views[i] = at.view
		}
		for i, d := range sel.inquire().decide(ctx, p.ground, views) {
			of[sel][i].decision = d
		}
		return nil
	})
	return places
}

// outrun returns those policies of which a site shows a tag that is missing from a
// list which is older than the branch: who pushes an image and then commits its tag
// must not be overruled by what was listed before.
func (c *cycle) outrun(ctx context.Context, p *plan, policies []*fleet.Policy) []*fleet.Policy {
	older := map[pinsetter.Name]*selection{}
	for _, policy := range policies {
		if sel := c.selector.selection(ctx, policy); sel.Err == nil && sel.listing.ScannedAt.Before(p.ground.readAt) {
			older[policy.Name] = sel
		}
	}
	lacking := map[pinsetter.Name]bool{}
	for _, file := range p.marked {
		for _, site := range file.Sites {
			if sel := older[site.Policy]; sel != nil && sel.lacks(site) {
				lacking[site.Policy] = true
			}
		}
	}
	return keep(policies, func(policy *fleet.Policy) bool { return lacking[policy.Name] })
}

// policies returns the policies that p's markers name and its automation
// selects, sorted by name; the markers that lead to none become findings.
func (c *cycle) policies(p *plan) []*fleet.Policy {
	var policies []*fleet.Policy
	seen := map[*fleet.Policy]bool{}
	for _, file := range p.marked {
		for _, site := range file.Sites {
			policy, finding := c.resolve(p.automation, site)
			if finding != nil {
				p.result.Findings = append(p.result.Findings, *finding)
			}
			if p.only != nil && policy != p.only {
				continue
			}
			if policy != nil {
				p.result.Findings = append(p.result.Findings, lint.Replaced(site, policy)...)
			}
			if policy != nil && !seen[policy] {
				seen[policy] = true
				policies = append(policies, policy)
			}
		}
	}
	slices.SortFunc(policies, func(a, b *fleet.Policy) int { return a.Name.Compare(b.Name) })
	return policies
}

var errSuspended = errors.New("suspended")

// apply is step 4: new bytes for the files whose sites take something else than
// they show. Done again, it replaces what it gave before.
func (p *plan) apply() {
	var patch strings.Builder
	p.files, p.wrote, p.written = map[string][]byte{}, map[store.Site]pinsetter.Image{}, nil
	p.result.Changes = []pinsetter.Change{}
	for _, file := range p.marked {
		data, changes, err := file.Apply(file.takes)
		if errors.Is(err, setters.ErrNote) {
			err = misremembered(err)
		}
		if err != nil {
			p.result.fail(err)
			continue
		}
		if len(changes) == 0 {
			continue
		}
		p.files[file.path] = data
		p.result.Changes = append(p.result.Changes, changes...)
		for i, image := range file.takes {
			if site := file.Sites[i]; !decide.ShownAt(site, image) {
				p.wrote[p.ground.key(site)] = gate.Standing(site, image)
			}
			p.written = append(p.written, message.Written{Policy: file.Sites[i].Policy, Image: image})
		}
		patch.WriteString(udiff.Unified("a/"+file.path, "b/"+file.path, string(file.data), string(data)))
	}
	p.result.Patch = patch.String()
}

// isBlind reports whether markers may be in files that can't be read now.
func (p *plan) isBlind() bool {
	return slices.ContainsFunc(p.result.Findings, func(f pinsetter.Finding) bool {
		return f.Code == setters.CodeUnparsable || f.Code == setters.CodeTooLarge
	})
}
