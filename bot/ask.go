package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/spec"
)

// Scanned is what a registry lists for one ImageRepository.
type Scanned struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Image     string    `json:"image"`
	Suspended bool      `json:"suspended,omitempty"`
	Tags      []string  `json:"tags"` // without those of the exclusion list and reserved names, sorted descending by bytes
	ScannedAt time.Time `json:"scannedAt,omitzero"`
	Error     string    `json:"error,omitempty"`

	Err error `json:"-"`
}

// Scan lists the tags of repositories and returns a result for each, in their
// order. Suspended ones are not asked for.
func (b *Bot) Scan(ctx context.Context, repositories []*fleet.Repository) []*Scanned {
	c := b.newCycle(Propose)
	return each(repositories, func(repo *fleet.Repository) *Scanned { return c.selector.scanned(ctx, repo) })
}

// each calls do for all items, scansAtOnce at a time, and returns what it
// returns, in their order.
func each[T, R any](items []T, do func(T) R) []R {
	results := make([]R, len(items))
	var g errgroup.Group
	g.SetLimit(scansAtOnce)
	for i, item := range items {
		g.Go(func() error {
			results[i] = do(item)
			return nil
		})
	}
	_ = g.Wait() // the functions return no error: it is in the results
	return results
}

// scanned returns what a registry lists for one ImageRepository.
func (s *selector) scanned(ctx context.Context, repo *fleet.Repository) *Scanned {
	r := &Scanned{
		Namespace: repo.Name.Namespace, Name: repo.Name.Name, Image: repo.Image,
		Suspended: repo.Suspended, Tags: []string{},
	}
	err := repo.Err
	if err == nil && !repo.Suspended {
		listing, scanErr := s.scan(ctx, repo, time.Time{})
		if err = scanErr; err == nil {
			r.Tags, r.ScannedAt = listing.Tags, listing.ScannedAt
		} else {
			err = fmt.Errorf("%s %s: %w", repo.Kind(), repo.Name, err)
		}
	}
	if err != nil {
		r.Err, r.Error = err, plan.OneLine(err)
	}
	return r
}

// Selected is the best candidate of one ImagePolicy now. Tag is empty where
// there is none; then there is an error, or the policy is suspended.
type Selected struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Image     string `json:"image,omitempty"`
	Suspended bool   `json:"suspended,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Digest    string `json:"digest,omitempty"` // where the policy reflects digests
	Ref       string `json:"ref,omitempty"`    // what a marker without suffix would show
	Held      string `json:"held,omitempty"`   // why something better isn't written; see settle
	Error     string `json:"error,omitempty"`

	Err error `json:"-"`
}

// Select returns what policies select, in their order. Where no candidate of a policy
// passes its gates, the branches of automations are fetched to see whether the best
// one is written already. What can't be fetched isn't.
func (b *Bot) Select(ctx context.Context, policies []*fleet.Policy, automations []*fleet.Automation) []*Selected {
	c := b.newCycle(Propose)
	defer c.selector.sightings.tell(ctx)
	var closed []*fleet.Policy
	results := each(policies, func(p *fleet.Policy) *Selected { return c.selector.selected(ctx, p) })
	for i, r := range results {
		if r.Held != "" {
			closed = append(closed, policies[i])
		}
	}
	if len(closed) == 0 || len(automations) == 0 {
		return results
	}
	sites, err := c.destinations(ctx, closed, automations)
	if err != nil {
		c.o.Log.Warn("not everything could be read to see what is written", "error", err)
	}
	for i, p := range policies {
		if found := sites[p.Name]; results[i].Held != "" && len(found) > 0 {
			results[i].settle(c.selector.selection(ctx, p), whyHeldAt(found))
		}
	}
	return results
}

// selected returns the best candidate of one policy, without looking at what is
// written.
func (s *selector) selected(ctx context.Context, p *fleet.Policy) *Selected {
	r := &Selected{Namespace: p.Name.Namespace, Name: p.Name.Name, Suspended: isSuspended(p)}
	if p.Repository != nil {
		r.Image = p.Repository.Image
	}
	if r.Suspended && p.Err == nil {
		return r
	}
	sel := s.selection(ctx, p)
	image, held, err := sel.image(ctx)
	if err != nil {
		r.Err, r.Error = err, plan.OneLine(err)
		return r
	}
	if r.Held = held; held == "" {
		r.Tag, r.Digest, r.Ref = image.Tag, image.Digest, image.String()
	}
	return r
}

// settle says of a policy that it is held if something better isn't written at one of
// its sites, and why, and else that it isn't: what stands at all of them needs to
// pass no gate, and is the best. A policy without sites is left as its gates are.
func (s *Selected) settle(sel *selection, why string) {
	s.Held = why
	if best, ok := sel.Ranking.Best(); ok && why == "" && s.Tag == "" {
		s.Tag = best.Tag
		s.Ref = pinsetter.Image{Name: s.Image, Tag: best.Tag}.String()
	}
}

// whyHeldAt says why something better isn't written at sites, "" if it is.
func whyHeldAt(sites []pinsetter.Destination) string {
	for _, site := range sites {
		if site.Held != "" {
			return site.Held
		}
	}
	return ""
}

// image returns the best candidate that passes the gates, with the digest where
// the policy reflects it, or why none passes.
func (s *selection) image(ctx context.Context) (image pinsetter.Image, held string, err error) {
	if s.Err != nil {
		return pinsetter.Image{}, "", s.Err
	}
	first := s.first(ctx)
	best := first.Candidate
	if err := s.failure(first); err != nil {
		return pinsetter.Image{}, "", err
	}
	if best.Tag == "" {
		return pinsetter.Image{}, whyHeld(first), context.Cause(ctx)
	}
	image = pinsetter.Image{Name: s.Object.Repository.Image, Tag: best.Tag}
	if first.Earlier != nil {
		image.Digest = first.Earlier.Digest
		return image, "", nil
	}
	if s.Object.Spec.DigestReflectionPolicy != spec.ReflectNever {
		image.Digest, err = s.digest(ctx, best.Tag)
	}
	return image, "", err
}

// failure returns why nobody knows whether a candidate passes, nil where all that
// was asked is known.
func (s *selection) failure(first gate.First) error {
	if !first.Failed {
		return nil
	}
	last := first.Refused[len(first.Refused)-1]
	return fmt.Errorf("ImagePolicy %s: Gate %s: %s", s.Object.Name, last.Gate, last.Reason)
}

// whyHeld says why the best candidate doesn't pass, where none passes.
func whyHeld(first gate.First) string {
	refused := first.Refused
	if len(refused) == 0 {
		return "no candidate passes"
	}
	if refused[0].Gate == "" {
		return refused[0].Reason
	}
	return fmt.Sprintf("Gate %s: %s", refused[0].Gate, refused[0].Reason)
}

func isSuspended(p *fleet.Policy) bool {
	return p.Suspended || p.Repository != nil && p.Repository.Suspended
}

// Explanation is what a policy selects and why, and where that goes.
type Explanation struct {
	pinsetter.Explanation

	// Unread says that some sites may be missing, since a repository or a file could
	// not be read; Idle are the automations that would write it and are suspended.
	Unread bool     `json:"-"`
	Idle   []string `json:"-"`

	Err error `json:"-"` // joined; what could be explained is there all the same
}

// Explain explains one policy. The branches of automations are fetched to find
// the policy's sites; without automations there are none.
func (b *Bot) Explain(ctx context.Context, p *fleet.Policy, automations []*fleet.Automation) *Explanation {
	c := b.newCycle(Propose)
	defer c.selector.sightings.tell(ctx)
	e := &Explanation{Explanation: pinsetter.Explanation{
		Namespace: p.Name.Namespace, Name: p.Name.Name, Suspended: isSuspended(p),
		Tags: []pinsetter.Verdict{}, Sites: []pinsetter.Destination{},
	}}
	if p.Repository != nil {
		e.Image = p.Repository.Image
	}
	sel := c.selector.selection(ctx, p)
	if !errors.Is(sel.Err, errSuspended) {
		e.Err = sel.Err
	}
	if sel.tags != nil {
		var failed error
		e.Tags, failed = sel.explain(ctx)
		e.Err = errors.Join(e.Err, failed)
	}
	for _, v := range e.Tags {
		if v.Verdict == pinsetter.Selected {
			e.Selected = v.Tag
		}
	}
	c.rechecks = true
	sites, err := c.destinations(ctx, []*fleet.Policy{p}, automations)
	e.Sites = append(e.Sites, sites[p.Name]...)
	e.Unread, e.Err = err != nil, errors.Join(e.Err, err)
	for _, a := range automations {
		if a.Suspended && a.Selects(p) {
			e.Idle = append(e.Idle, a.Name.String())
		}
	}
	return e
}

// explain returns every listed tag's verdict, those of the exclusion list and
// reserved names last.
// That a policy can't rank its tags is in the selection's error. The error is that
// a gate's question got no answer.
func (s *selection) explain(ctx context.Context) ([]pinsetter.Verdict, error) {
	verdicts, _ := s.Rules.Explain(s.tags)
	var failed error
	switch {
	case s.Walk != nil:
		failed = s.overrule(ctx, verdicts)
		s.addDigests(ctx, verdicts)
	case s.Err != nil:
		for i, v := range verdicts {
			if v.Verdict == pinsetter.Selected {
				verdicts[i].Verdict, verdicts[i].Stage = pinsetter.Eligible, pinsetter.StageOrder
				verdicts[i].Reason = "would be selected, but the policy fails"
			}
		}
	}
	for _, tag := range s.listing.Excluded {
		verdicts = append(verdicts, pinsetter.Verdict{
			Tag: tag, Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude,
			Reason: "on the exclusionList of ImageRepository " + s.Object.Repository.Name.String(),
		})
	}
	for _, tag := range s.listing.Deprecated {
		verdicts = append(verdicts, pinsetter.Verdict{
			Tag: tag, Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude,
			Reason: "deprecated in the index: deprecated: true in ChartRepository " + s.Object.Repository.Name.String() + " lets it in",
		})
	}
	for _, tag := range s.listing.Reserved {
		verdicts = append(verdicts, s.Rules.Judge(tag))
	}
	return verdicts, failed
}

// overrule puts what the gates say in the place of the policy's verdicts. The error
// is that of failure.
func (s *selection) overrule(ctx context.Context, verdicts []pinsetter.Verdict) error {
	found := s.first(ctx)
	first, refused := found.Candidate, map[string]pinsetter.Verdict{}
	for _, v := range found.Refused {
		refused[v.Tag] = v
	}
	for i, v := range verdicts {
		switch gated, ok := refused[v.Tag]; {
		case ok:
			verdicts[i] = gated
		case v.Tag == first.Tag:
			verdicts[i] = pinsetter.Verdict{Tag: v.Tag, Value: v.Value, Verdict: pinsetter.Selected}
			if e := found.Earlier; e != nil {
				verdicts[i].Reason = fmt.Sprintf("with its earlier digest %s, by Gate %s: %s", e.Digest, e.Refusal.Gate, e.Refusal.Reason)
			}
		case len(refused) > 0 && v.Verdict == pinsetter.Eligible:
			verdicts[i].Reason = "outranked by " + cmp.Or(first.Tag, "what is held")
		}
	}
	return s.failure(found)
}

// addDigests adds to candidates the digests that the ledger knows, where a tag had
// several. They are left out if the ledger can't be read.
func (s *selection) addDigests(ctx context.Context, verdicts []pinsetter.Verdict) {
	var tags []string
	for _, v := range verdicts {
		if v.Verdict != pinsetter.Rejected || v.Stage == pinsetter.StageGate || v.Stage == pinsetter.StageHold {
			tags = append(tags, v.Tag)
		}
	}
	showings, err := s.facts.showingsOf(ctx, tags)
	if err != nil {
		return
	}
	asks := maxCompared
	for i, v := range verdicts {
		if found := showings[v.Tag]; len(found) > 1 {
			verdicts[i].Digests = s.moves(ctx, found, &asks)
		}
	}
}

// maxCompared bounds the digests whose content explain asks a registry for: some
// count pulls.
const maxCompared = 8

// moves returns what each digest of a tag changed, the latest first. It asks for the
// content of so many digests, and leaves out what isn't known.
func (s *selection) moves(ctx context.Context, showings []pinsetter.Showing, asks *int) []pinsetter.Move {
	moves := make([]pinsetter.Move, len(showings))
	contents := make([]gate.Content, len(showings))
	for i, showing := range showings {
		moves[i].Showing = showing
		if *asks--; *asks >= 0 {
			contents[i], _ = s.facts.content(ctx, showing.Digest)
		}
		if i > 0 && len(contents[i-1].Builds) > 0 && len(contents[i].Builds) > 0 {
			later := &moves[i-1]
			later.Added, later.Removed, later.Changed = gate.Difference(contents[i], contents[i-1])
		}
	}
	return moves
}
