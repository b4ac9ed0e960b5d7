package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
)

// plan is what one automation does on top of one snapshot.
type plan struct {
	automation *config.Automation
	ground     *ground
	marked     []markedFile
	written    []message.Written // for the message
	files      map[string][]byte // new bytes by path
	commit     string            // hash, once there is one
	only       *config.Policy    // decide nothing but this policy's sites; nil: all
	fileErr    error             // files that could not be read
	result     *Result
}

// markedFile is a file with markers, and what its sites take.
type markedFile struct {
	*setters.File
	path  string
	data  []byte
	takes map[int]pinsetter.Image // by index of the site
}

// find is step 2: it gathers the markers below the automation's path.
func (c *cycle) find(ctx context.Context, a *config.Automation, g *ground, head *gitops.Snapshot) *plan {
	p := &plan{automation: a, ground: g, files: map[string][]byte{}, result: newResult(a)}
	p.result.Revision = g.revision
	c.o.Progress("reading " + a.Name.String())
	for file, err := range head.Files(ctx, updatePath(a), setters.IsCandidate) {
		if errors.Is(err, gitops.ErrBound) && file.Path != "" {
			p.result.Findings = append(p.result.Findings, tooLarge(file.Path, err))
			continue
		}
		if err != nil {
			p.fileErr = errors.Join(p.fileErr, fmt.Errorf("ImageUpdateAutomation %s: %w", a.Name, err))
			continue
		}
		if !setters.HasToken(file.Data) {
			continue
		}
		found := setters.Find(file.Path, file.Data)
		p.result.Findings = append(p.result.Findings, found.Findings...)
		p.marked = append(p.marked, markedFile{found, file.Path, file.Data, map[int]pinsetter.Image{}})
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
	for _, policy := range policies {
		if err := c.selector.selection(ctx, policy).err; err != nil && !errors.Is(err, errSuspended) {
			p.result.fail(err)
		}
	}
	for _, file := range p.marked {
		for i, site := range file.Sites {
			policy := c.set.Policy(site.Policy)
			if !slices.Contains(policies, policy) {
				continue
			}
			image, hold, err := c.choose(ctx, p.ground, site, c.selector.selection(ctx, policy))
			switch {
			case hold != nil:
				p.result.Held = append(p.result.Held, *hold)
			case err != nil:
				p.failOnce(err)
			}
			if image.Tag == "" {
				image = p.ground.proposed(site)
			}
			if image.Tag != "" {
				file.takes[i] = image
			}
		}
	}
}

// policies returns the policies that p's markers name and its automation
// selects, sorted by name; the markers that lead to none become findings.
func (c *cycle) policies(p *plan) []*config.Policy {
	var policies []*config.Policy
	for _, file := range p.marked {
		for _, site := range file.Sites {
			policy, finding := c.resolve(p.automation, site)
			if finding != nil {
				p.result.Findings = append(p.result.Findings, *finding)
			}
			if p.only != nil && policy != p.only {
				continue
			}
			if policy != nil && !slices.Contains(policies, policy) {
				policies = append(policies, policy)
			}
		}
	}
	slices.SortFunc(policies, func(a, b *config.Policy) int { return a.Name.Compare(b.Name) })
	return policies
}

var errSuspended = errors.New("suspended")

// choose decides one site. The image has no tag where the site stays as it is;
// then there may be a hold, or an error about the policy.
func (c *cycle) choose(ctx context.Context, g *ground, site pinsetter.Site, sel *selection) (pinsetter.Image, *pinsetter.Hold, error) {
	if sel.err != nil {
		return pinsetter.Image{}, nil, nil // said once, for all sites
	}
	hold := func(reason string) *pinsetter.Hold {
		return &pinsetter.Hold{
			Policy: site.Policy.String(), Path: site.Path, Line: site.Line(),
			Current: site.Current(), Candidate: sel.best.Tag, Reason: reason,
		}
	}
	image := pinsetter.Image{Name: sel.policy.Repository.Image, Tag: sel.best.Tag}
	if reason := gate.Down(site, image.Tag, sel); reason != "" {
		return pinsetter.Image{}, hold(reason), nil
	}
	reflect := sel.policy.Spec.DigestReflectionPolicy
	if reflect == config.ReflectNever && site.Has(pinsetter.PartDigest) {
		return pinsetter.Image{}, hold("a :digest marker needs a digest, and the policy reflects none: " +
			"set digestReflectionPolicy to IfNotPresent or Always, or remove the marker"), nil
	}
	showsDigest := site.Has(pinsetter.PartReference) || site.Has(pinsetter.PartDigest)
	if reflect == config.ReflectNever || !showsDigest {
		return image, nil, nil
	}
	if reflect == config.ReflectIfNotPresent {
		image.Digest = gate.KeptDigest(site, image.Tag)
		if image.Digest == "" {
			image.Digest = g.keptDigest(site, image.Tag)
		}
	}
	var err error
	if image.Digest == "" {
		image.Digest, err = c.selector.digest(ctx, sel)
	}
	if err != nil {
		return pinsetter.Image{}, nil, err
	}
	return image, nil, nil
}

// failOnce records err unless the result holds it: the sites of a policy share
// what went wrong.
func (p *plan) failOnce(err error) {
	if p.result.Err == nil || !strings.Contains(p.result.Err.Error(), err.Error()) {
		p.result.fail(err)
	}
}

// apply is step 4: new bytes for the files whose sites take something else than
// they show.
func (p *plan) apply() {
	var patch strings.Builder
	for _, file := range p.marked {
		data, changes, err := file.Apply(file.takes)
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
			p.written = append(p.written, message.Written{Policy: file.Sites[i].Policy, Image: image})
		}
		patch.WriteString(udiff.Unified("a/"+file.path, "b/"+file.path, string(file.data), string(data)))
	}
	p.result.Patch = patch.String()
}
