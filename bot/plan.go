package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
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
	kept map[int]standing
}

// newMarkedFile returns a file whose sites take nothing yet.
func newMarkedFile(found *setters.File, path string, data []byte) markedFile {
	return markedFile{found, path, data, map[int]pinsetter.Image{}, map[int]standing{}}
}

// find is step 2: it gathers the markers below the automation's path. Of a file
// that was searched before, with these bytes, they are remembered.
func (c *cycle) find(ctx context.Context, a *fleet.Automation, g *ground, head *gitops.Snapshot) *plan {
	p := &plan{automation: a, ground: g, result: newResult(a)}
	p.result.Revision = g.revision
	c.o.Progress("reading " + a.Name.String())
	var marked []gitops.File
	for file, err := range head.Files(ctx, updatePath(a), setters.IsCandidate) {
		if errors.Is(err, gitops.ErrBound) && file.Path != "" {
			p.result.Findings = append(p.result.Findings, tooLarge(file.Path, err))
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

// tooLarge is the finding of a file that is too large to be searched.
func tooLarge(path string, err error) pinsetter.Finding {
	return pinsetter.Finding{
		Severity: pinsetter.Warning, Code: setters.CodeTooLarge, Path: path,
		Message: "markers in it are not looked for: " + err.Error(),
	}
}

// decide is step 3: every site takes an image, or stays, or is held.
func (c *cycle) decide(ctx context.Context, p *plan) {
	policies := c.policies(p)
	c.selector.all(ctx, policies)
	c.selector.again(ctx, c.outrun(ctx, p, policies), p.ground.readAt)
	selections := map[pinsetter.Name]*selection{}
	said := map[*selection]bool{}
	for _, policy := range policies {
		sel := c.selector.selection(ctx, policy)
		selections[policy.Name] = sel
		switch {
		case errors.Is(sel.err, errSuspended):
			p.result.Findings = append(p.result.Findings, suspended(policy))
		case sel.err != nil:
			p.result.fail(sel.err)
		}
	}
	c.recall(ctx, p)
	c.sight(ctx, p, selections)
	p.selections = selections
	for _, file := range p.marked {
		for i, site := range file.Sites {
			sel := selections[site.Policy]
			if sel == nil {
				if proposed := p.ground.proposed(ctx, site, nil); p.ground.groups && c.set.Missing.MayHide() && proposed.Tag != "" {
					file.takes[i], file.kept[i] = proposed, waits // its policy may be in what can't be read
				}
				continue
			}
			image, hold, err := c.choose(ctx, p.ground, site, sel)
			if err != nil && !said[sel] {
				said[sel] = true
				p.result.fail(err)
			}
			stays := image.Tag == "" || shownAlready(site, image)
			if proposed := p.ground.proposed(ctx, site, sel); proposed.Tag != "" && (hold != nil || image.Tag == "" || sel.disbelief != nil && stays) {
				if hold == nil && sel.disbelief != nil {
					hold = holdAt(site, candidate(site, proposed), sel.disbelief.Rule, sel.disbelief.Reason)
				}
				switch standing := p.ground.standing(ctx, site, sel, proposed, cmp.Or(sel.err, err)); standing {
				case stands:
					image = proposed
					leave(hold, site, image)
				case waits:
					image = proposed
					file.kept[i] = waits
				case refused:
					if p.ground.groups && stays {
						image = proposed
						file.kept[i] = refused
					}
				}
			}
			if hold != nil {
				p.result.Held = append(p.result.Held, *hold)
			}
			if image.Tag != "" {
				file.takes[i] = image
			}
		}
	}
}

// outrun returns those policies of which a site shows a tag that is missing from a
// list which is older than the branch: who pushes an image and then commits its tag
// must not be overruled by what was listed before.
func (c *cycle) outrun(ctx context.Context, p *plan, policies []*fleet.Policy) []*fleet.Policy {
	older := map[pinsetter.Name]*selection{}
	for _, policy := range policies {
		if sel := c.selector.selection(ctx, policy); sel.err == nil && sel.listing.ScannedAt.Before(p.ground.readAt) {
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
				p.result.Findings = append(p.result.Findings, replaced(site, policy)...)
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

// choose decides one site. The image has no tag where the site stays as it is.
// There is a hold where a better candidate isn't taken, and an error where the
// registry can't be asked.
func (c *cycle) choose(ctx context.Context, g *ground, site pinsetter.Site, sel *selection) (pinsetter.Image, *pinsetter.Hold, error) {
	if sel.err != nil {
		return pinsetter.Image{}, nil, nil // said once, for all sites
	}
	if hold := sel.misfit(site); hold != nil {
		return pinsetter.Image{}, hold, nil
	}
	var shown pinsetter.Image
	if !sel.settled(site) {
		shown = g.lastShown(site)
	}
	var choice gate.Choice
	g.inquiry(sel).until(ctx, func(known gate.Known) (questions []gate.Question) {
		choice, questions = sel.walk.Choose(site, shown, known)
		return questions
	})
	if choice.Candidate.Tag == "" {
		return pinsetter.Image{}, choice.Hold, nil
	}
	image := pinsetter.Image{Name: sel.policy.Repository.Image, Tag: choice.Candidate.Tag}
	digest, refusal, err := c.digest(ctx, g, site, sel, image.Tag)
	if err != nil {
		return pinsetter.Image{}, choice.Hold, err
	}
	image.Digest = digest
	if refusal != nil {
		return pinsetter.Image{}, cmp.Or(choice.Hold, holdAt(site, candidate(site, image), refusal.Rule, refusal.Reason)), nil
	}
	if shownAlready(site, image) && !site.Has(pinsetter.PartName) {
		return image, choice.Hold, nil
	}
	shown = g.lastShown(site)
	if hold := g.confirm(ctx, sel, site, shown, image, choice.Candidate); hold != nil {
		hold.Candidate = candidate(site, image)
		return pinsetter.Image{}, cmp.Or(choice.Hold, hold), nil // the best candidate is named
	}
	leave(choice.Hold, site, image)
	return image, choice.Hold, nil
}

// leave has a hold, which may be nil, say what its site shows once it has taken an
// image that is not the candidate: the best that it may take.
func leave(hold *pinsetter.Hold, site pinsetter.Site, image pinsetter.Image) {
	taken := pinsetter.Site{Written: []pinsetter.Image{gate.Standing(site, image)}}.Current()
	if hold != nil && hold.Candidate != candidate(site, image) {
		hold.Current = taken
	}
}

// shownAlready reports whether a site shows an image, its name aside where a
// marker of its own has it.
func shownAlready(site pinsetter.Site, image pinsetter.Image) bool {
	shows, agreed := gate.Shows(site)
	return agreed && gate.Standing(site, shows) == gate.Standing(site, image)
}

// settled reports whether a site shows the best candidate, so that at most its
// digest is to be decided.
func (s *selection) settled(site pinsetter.Site) bool {
	best, _ := s.ranking.Best()
	for _, written := range site.Written {
		if written.Tag != best.Tag {
			return false
		}
	}
	return len(site.Written) > 0
}

// digest returns the digest that a site shows beside a tag, "" where it shows
// none, or the reason to hold the site.
func (c *cycle) digest(ctx context.Context, g *ground, site pinsetter.Site, sel *selection, tag string) (digest string, refusal *gate.Refusal, err error) {
	reflect := sel.policy.Spec.DigestReflectionPolicy
	if reflect == spec.ReflectNever && site.Has(pinsetter.PartDigest) {
		return "", &gate.Refusal{Rule: pinsetter.RuleDigest, Reason: "a :digest marker needs a digest, and the policy reflects none: " +
			"set digestReflectionPolicy to IfNotPresent or Always, or remove the marker"}, nil
	}
	if reflect == spec.ReflectNever || !site.Has(pinsetter.PartReference) && !site.Pins() {
		return "", nil, nil
	}
	if reflect == spec.ReflectIfNotPresent {
		if kept := cmp.Or(gate.KeptDigest(site, tag), g.keptDigest(ctx, site, tag)); kept != "" {
			return kept, nil, nil
		}
	}
	if digest, err = sel.digest(ctx, tag); err != nil {
		return "", nil, err
	}
	before := sel.digestBefore(ctx, site, tag, digest)
	if moved := gate.Move(tag, before, digest, reflect, sel); moved != nil {
		if moved.Held {
			return digest, &gate.Refusal{Rule: pinsetter.RuleMoved, Reason: moved.Reason}, nil
		}
		c.o.Log.Warn(moved.Reason, "imagePolicy", sel.policy.Name, "path", site.Path, "line", site.Line())
	}
	return digest, nil, nil
}

// digestBefore returns the digest that a tag had before the present one, as far
// as it matters to a site: what the site shows, where it follows every move, else
// what the ledger knows. It is "" where none is known.
func (s *selection) digestBefore(ctx context.Context, site pinsetter.Site, tag, now string) string {
	if s.policy.Spec.DigestReflectionPolicy == spec.ReflectAlways {
		return gate.KeptDigest(site, tag)
	}
	sight, err := s.facts.sight(ctx, tag)
	if err != nil {
		return ""
	}
	return sight.Before(now)
}

// candidate describes an image that a site doesn't take: its tag, with the digest
// where the site shows that tag already.
func candidate(site pinsetter.Site, image pinsetter.Image) string {
	if shows, _ := gate.Shows(site); shows.Tag != image.Tag {
		return image.Tag
	}
	image.Name = ""
	return strings.TrimPrefix(image.String(), ":")
}

// holdAt is a hold of a site.
func holdAt(site pinsetter.Site, candidate string, rule pinsetter.Rule, reason string) *pinsetter.Hold {
	return &pinsetter.Hold{
		Policy: site.Policy.String(), Path: site.Path, Line: site.Line(),
		Current: site.Current(), Candidate: candidate, Rule: rule, Reason: reason,
	}
}

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
			if site := file.Sites[i]; !shownAlready(site, image) {
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
