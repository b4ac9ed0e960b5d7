package adopt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
)

// Entry is a reference and what is proposed for it, or why nothing is.
type Entry struct {
	Path      string `json:"path"`
	Line      int    `json:"line"`
	Reference string `json:"reference"`
	Kind      Kind   `json:"kind"`
	Policy    string `json:"policy,omitempty"`
	Range     string `json:"range,omitempty"`
	Current   string `json:"current,omitempty"`
	Best      string `json:"best,omitempty"`
	Skipped   string `json:"skipped,omitempty"`

	// Follows is the tag whose digest is proposed; it is zero for any other entry.
	// Its current digest belongs into Best.
	Follows pinsetter.Image `json:"-"`
}

// Listing is what a registry says about an image.
type Listing struct {
	Canonical string // the same for every spelling of the image's name
	Tags      []string
	Err       error // why there is no list, for people
}

// Standing is a policy that is there already.
type Standing struct {
	Name      pinsetter.Name
	Canonical string // of its image
	Spec      spec.ImagePolicySpec
}

// Options are what a proposal depends on beside files and registries.
type Options struct {
	Namespace string    // of new objects
	Step      spec.Bump // the largest step of a range
	Pin       bool      // digests too
	Rules     []Rule    // Renovate's

	Labels       map[string]string         // of new policies
	Policies     []Standing                // sorted by name
	Repositories map[string]pinsetter.Name // ImageRepositories of Namespace, by canonical name
	Taken        map[string]bool           // names in Namespace that new objects can't have
}

// Proposal is what Propose returns.
type Proposal struct {
	Entries []Entry  // sorted by path and line
	Objects []Object // new ones: ImageRepositories, ImagePolicies, Gates
	Edits   []Edit   // of the files that get markers
}

// ask is a reference that something may be proposed for.
type ask struct {
	*Reference
	entry  *Entry
	file   *File
	rung   Rung
	group  *group
	policy pinsetter.Name // standing, or the group's
}

// group is the references that share a new policy.
type group struct {
	canonical string
	rung      Rung
	reflects  spec.ReflectionPolicy
	hint      Hint
	asks      []*ask
	name      pinsetter.Name
}

// Images returns the names of the images whose tags Propose needs, sorted. They are
// the keys of its listings, beside those of Indexes.
func Images(files []*File) []string {
	names := map[string]bool{}
	for _, f := range files {
		for _, r := range f.References {
			if r.isOpen() && r.Index == nil {
				names[r.Image.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Resolve gives the charts of HelmRepositories their names in a registry. The
// files are all that were found.
func Resolve(files []*File) {
	urls := map[pinsetter.Name]string{}
	for _, f := range files {
		maps.Copy(urls, f.HelmRepositories)
	}
	for _, f := range files {
		for i := range f.References {
			if r := &f.References[i]; r.chart != nil {
				r.resolve(urls)
			}
		}
	}
}

func (r *Reference) resolve(urls map[pinsetter.Name]string) {
	url, ok := urls[r.chart.repository]
	name := chartImage(url, r.chart.chart)
	switch {
	case name != "":
		r.Image.Name = name
	case r.Skipped != "":
	case !ok:
		r.Skipped = fmt.Sprintf("HelmRepository %s isn't here", r.chart.repository)
	case strings.ContainsAny(url, "${"):
		r.Skipped = "the URL of its HelmRepository holds a variable"
	case isHTTP(url) && holdsUser(url):
		r.Skipped = fmt.Sprintf("the URL of HelmRepository %s holds a user: move it to the Secret of its spec.secretRef", r.chart.repository)
	case isHTTP(url):
		r.Image.Name = pinsetter.ChartImage(url, r.chart.chart)
		r.Index = &Index{Image: r.Image.Name, Repository: r.chart.repository, Chart: r.chart.chart}
	default:
		r.Skipped = fmt.Sprintf("the URL of HelmRepository %s is none of http, https or oci", r.chart.repository)
	}
	r.chart = nil
}

// Propose returns markers and objects for the references that no marker moves.
// Listings are by the names of Images and the keys of Indexes. The same input gives the same result.
func Propose(files []*File, listings map[string]Listing, o Options) *Proposal {
	p := &proposer{o: o, listings: listings, groups: map[string]*group{}, climbs: map[string]climbed{}}
	result := &Proposal{}
	n := 0
	for _, f := range files {
		n += len(f.References)
	}
	result.Entries = make([]Entry, 0, n) // asks point into it
	for _, f := range files {
		for i := range f.References {
			r := &f.References[i]
			if r.Marked {
				continue
			}
			result.Entries = append(result.Entries, r.entry())
			p.ask(f, r, &result.Entries[len(result.Entries)-1])
		}
	}
	p.name()
	var lines []Entry
	result.Edits, lines = p.mark(files)
	result.Entries = append(result.Entries, lines...) // asks point into it no more
	result.Objects = p.objects()
	slices.SortStableFunc(result.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return result
}

func (r *Reference) entry() Entry {
	shown := r.Image
	if r.Index != nil {
		shown.Name = r.Index.Chart
	}
	e := Entry{Path: r.Path, Line: r.Line, Reference: strings.TrimPrefix(shown.String(), ":"), Kind: r.Kind, Current: r.Image.Tag, Skipped: r.Skipped}
	if r.Image.Tag == "" {
		e.Current = r.Image.Digest
	}
	return e
}

type proposer struct {
	o        Options
	listings map[string]Listing
	asks     []*ask
	groups   map[string]*group
	order    []*group
	climbs   map[string]climbed
	bases    map[string]string // names by canonical name
}

// digests returns how the reference's policy has to reflect digests, and false if
// that makes no difference to the reference.
func (p *proposer) digests(r *Reference, moves bool) (reflects spec.ReflectionPolicy, matters bool) {
	whole := r.Values[0].Part == pinsetter.PartReference
	if r.IsPinned() || len(r.Values) > 1 || p.o.Pin && (whole || r.below) {
		if moves {
			return spec.ReflectAlways, true
		}
		return spec.ReflectIfNotPresent, true
	}
	return spec.ReflectNever, whole
}

// ask finds the policy for a reference: one that stands, else a rung.
func (p *proposer) ask(f *File, r *Reference, e *Entry) {
	if r.Skipped != "" {
		return
	}
	listing := p.listings[r.key()]
	if listing.Err != nil {
		e.Skipped = listing.Err.Error()
		return
	}
	h := hint(p.o.Rules, r.Image.Name)
	tag := strings.ReplaceAll(r.Image.Tag, "+", "_")
	canFollow := r.IsPinned() || p.o.Pin && (len(r.Values) > 1 || r.Values[0].Part == pinsetter.PartReference || r.below)
	a := &ask{Reference: r, entry: e, file: f}
	if standing, best, ok := p.standing(listing, r, tag); ok {
		a.policy = standing.Name
		e.Policy, e.Range, e.Best = standing.Name.String(), rangeOf(standing.Spec), a.shown(best)
		p.asks = append(p.asks, a)
		return
	}
	rung, why := p.climb(r.key(), Climb{Tag: tag, Listed: listing.Tags, Chart: r.Kind == KindChart, Step: p.o.Step, Moving: canFollow, Allowed: h.Allowed})
	if why != "" {
		e.Skipped = why
		return
	}
	a.rung = rung
	e.Range, e.Best = rung.Range, a.shown(rung.Best)
	if rung.Best == tag && rung.Moves && canFollow && (r.IsPinned() || !r.below) { // else the digest's line has an entry
		e.Kind = KindDigest
		if r.IsPinned() {
			e.Current = r.Image.Digest
		}
		e.Follows = pinsetter.Image{Name: r.Image.Name, Tag: tag}
	}
	p.join(a, listing.Canonical, h)
	p.asks = append(p.asks, a)
}

// climbed is what Climb returned.
type climbed struct {
	rung Rung
	why  string
}

// climb is Climb, once for each image and tag: many files show the same.
func (p *proposer) climb(image string, c Climb) (Rung, string) {
	key := fmt.Sprint(image, " ", c.Tag, " ", c.Chart, " ", c.Moving)
	known, ok := p.climbs[key]
	if !ok {
		known.rung, known.why = c.Climb()
		p.climbs[key] = known
	}
	return known.rung, known.why
}

// shown returns a tag as the reference's field shows it.
func (a *ask) shown(tag string) string {
	if a.Kind == KindChart {
		return strings.ReplaceAll(tag, "_", "+")
	}
	return tag
}

// rangeOf returns the range of a policy, or its filter.
func rangeOf(s spec.ImagePolicySpec) string {
	switch {
	case s.Policy.SemVer != nil:
		return s.Policy.SemVer.Range
	case s.FilterTags != nil:
		return s.FilterTags.Pattern
	}
	return ""
}

// standing returns the first policy there that takes the reference's tag, and its
// best tag. A policy that would add or drop the digest doesn't fit.
func (p *proposer) standing(listing Listing, r *Reference, tag string) (Standing, string, bool) {
	for _, s := range p.o.Policies {
		if s.Canonical != listing.Canonical {
			continue
		}
		reflects, matters := p.digests(r, false)
		keeps := s.Spec.DigestReflectionPolicy != spec.ReflectNever && s.Spec.DigestReflectionPolicy != ""
		if matters && keeps != (reflects != spec.ReflectNever) {
			continue
		}
		rules, err := policy.New(s.Spec)
		if err != nil || rules.Judge(tag).Verdict == pinsetter.Rejected {
			continue
		}
		ranking, err := rules.Rank(policy.NewTags(listing.Tags))
		if err != nil {
			continue
		}
		if best, ok := ranking.Best(); ok && !rules.Above(tag, best.Tag) {
			return s, best.Tag, true
		}
	}
	return Standing{}, "", false
}

// join adds a reference to the group of its image, rung and digests.
func (p *proposer) join(a *ask, canonical string, h Hint) {
	reflects, matters := p.digests(a.Reference, a.rung.Moves)
	key := func(reflects spec.ReflectionPolicy) string {
		return fmt.Sprintf("%s\n%v\n%s\n%s\n%s\n%s", canonical, a.rung.Filter, a.rung.Range, kindOf(a.rung.Policy), reflects, h.MinAge)
	}
	if !matters { // any group will do
		for _, other := range []spec.ReflectionPolicy{spec.ReflectNever, spec.ReflectIfNotPresent, spec.ReflectAlways} {
			if p.groups[key(other)] != nil {
				reflects = other
				break
			}
		}
	}
	g := p.groups[key(reflects)]
	if g == nil {
		g = &group{canonical: canonical, rung: a.rung, reflects: reflects, hint: h}
		p.groups[key(reflects)] = g
		p.order = append(p.order, g)
	}
	a.group = g
	g.asks = append(g.asks, a)
}

func kindOf(c spec.ImagePolicyChoice) string {
	switch {
	case c.SemVer != nil:
		return "semver"
	case c.Numerical != nil:
		return "numerical"
	}
	return "alphabetical"
}
