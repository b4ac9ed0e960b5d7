package adopt

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/setters"
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

// Images returns the names of the images whose tags Propose needs, sorted.
func Images(files []*File) []string {
	names := map[string]bool{}
	for _, f := range files {
		for _, r := range f.References {
			if r.Skipped == "" && !r.Marked {
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
	default:
		r.Skipped = overHTTP
	}
	r.chart = nil
}

// Propose returns markers and objects for the references that no marker moves.
// Listings are by the names of Images. The same input gives the same result.
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
	result.Edits = p.mark(files)
	result.Objects = p.objects()
	slices.SortStableFunc(result.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	return result
}

func (r *Reference) entry() Entry {
	e := Entry{Path: r.Path, Line: r.Line, Reference: strings.TrimPrefix(r.Image.String(), ":"), Kind: r.Kind, Current: r.Image.Tag, Skipped: r.Skipped}
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
	if r.IsPinned() || len(r.Values) > 1 || p.o.Pin && whole {
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
	listing := p.listings[r.Image.Name]
	if listing.Err != nil {
		e.Skipped = listing.Err.Error()
		return
	}
	h := hint(p.o.Rules, r.Image.Name)
	tag := strings.ReplaceAll(r.Image.Tag, "+", "_")
	canFollow := r.IsPinned() || p.o.Pin && (len(r.Values) > 1 || r.Values[0].Part == pinsetter.PartReference)
	a := &ask{Reference: r, entry: e, file: f}
	if standing, best, ok := p.standing(listing, r, tag); ok {
		a.policy = standing.Name
		e.Policy, e.Range, e.Best = standing.Name.String(), rangeOf(standing.Spec), a.shown(best)
		p.asks = append(p.asks, a)
		return
	}
	rung, why := p.climb(r.Image.Name, Climb{Tag: tag, Listed: listing.Tags, Chart: r.Kind == KindChart, Step: p.o.Step, Moving: canFollow, Allowed: h.Allowed})
	if why != "" {
		e.Skipped = why
		return
	}
	a.rung = rung
	e.Range, e.Best = rung.Range, a.shown(rung.Best)
	if rung.Best == tag && rung.Moves && canFollow {
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

// mark inserts the markers, and takes the references back whose markers can't be
// written or would be held. A file that nothing is proposed for has no edit.
func (p *proposer) mark(files []*File) []Edit {
	byFile := map[*File][]*ask{}
	for _, a := range p.asks {
		if a.group != nil {
			a.policy = a.group.name
			a.entry.Policy = a.policy.String()
		}
		byFile[a.file] = append(byFile[a.file], a)
	}
	all := make([]Edit, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		if asks := byFile[f]; len(asks) > 0 {
			g.Go(func() error {
				all[i] = Edit{f.Path, f.Data, f.mark(asks)}
				return nil
			})
		}
	}
	_ = g.Wait() // the functions return no error
	for _, a := range p.asks {
		if a.group != nil && a.entry.Skipped != "" {
			a.group.asks = slices.DeleteFunc(a.group.asks, func(b *ask) bool { return a == b })
		}
	}
	return Edits(all)
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
		found, refused := f.sheet.Mark(marks)
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
			return found.Data()
		}
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

// objects returns the objects of the groups that have references.
func (p *proposer) objects() []Object {
	var all []Object
	repositories := map[string]pinsetter.Name{}
	maps.Copy(repositories, p.o.Repositories)
	ages := map[time.Duration]bool{}
	for _, g := range p.order {
		if len(g.asks) == 0 {
			continue
		}
		repository, there := repositories[g.canonical]
		if !there {
			repository = pinsetter.Name{Namespace: p.o.Namespace, Name: p.base(g)}
			repositories[g.canonical] = repository
			all = append(all, Repository(repository, spec.ImageRepositorySpec{Image: g.image()}))
		}
		object := Policy(g.name, spec.ImagePolicySpec{
			ImageRepositoryRef:     spec.NamespacedObjectReference{Name: repository.Name},
			Policy:                 g.rung.Policy,
			FilterTags:             g.rung.Filter,
			DigestReflectionPolicy: reflected(g.reflects),
		})
		object.Labels = maps.Clone(p.o.Labels)
		if g.hint.MinAge > 0 {
			if object.Labels == nil {
				object.Labels = map[string]string{}
			}
			object.Labels[ageLabel] = durationText(g.hint.MinAge)
			if !ages[g.hint.MinAge] {
				ages[g.hint.MinAge] = true
				all = append(all, ageGate(p.o.Namespace, g.hint.MinAge))
			}
		}
		all = append(all, object)
	}
	return all
}

// reflected leaves the default out.
func reflected(r spec.ReflectionPolicy) spec.ReflectionPolicy {
	if r == spec.ReflectNever {
		return ""
	}
	return r
}

// ageLabel selects the policies of a Gate made of Renovate's minimumReleaseAge.
const ageLabel = "pinsetter.dev/min-age"

func ageGate(namespace string, d time.Duration) Object {
	return Gate(pinsetter.Name{Namespace: namespace, Name: "min-age-" + durationText(d)}, spec.GateSpec{
		MinAge:         &spec.Duration{Duration: d},
		PolicySelector: &spec.LabelSelector{MatchLabels: map[string]string{ageLabel: durationText(d)}},
	})
}

// image returns the spelling of the image's name that most references have which
// show it beside the tag: a marker there writes the policy's.
func (g *group) image() string {
	count := map[string]int{}
	best := g.asks[0].Image.Name
	for _, a := range g.asks {
		if a.Values[0].Part == pinsetter.PartReference {
			count[a.Image.Name]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if count[name] > count[best] {
			best = name
		}
	}
	return best
}

// name gives the groups names that people would choose: the last part of the
// image's name, with what tells several policies of one image apart.
func (p *proposer) name() {
	images := map[string][]*group{}
	for _, g := range p.order {
		images[g.canonical] = append(images[g.canonical], g)
	}
	taken := maps.Clone(p.o.Taken)
	if taken == nil {
		taken = map[string]bool{}
	}
	bases := map[string]string{}
	for _, g := range p.order {
		base, ok := bases[g.canonical]
		if !ok {
			base = unique(g.names(), taken)
			bases[g.canonical] = base
			taken[base] = true
			g.name = pinsetter.Name{Namespace: p.o.Namespace, Name: base}
			if len(images[g.canonical]) > 1 && g.rung.Suffix != "" {
				g.name.Name = unique([]string{Label(base + "-" + g.rung.Suffix)}, taken)
				taken[g.name.Name] = true
			}
			continue
		}
		var names []string
		if g.rung.Suffix != "" {
			names = append(names, Label(base+"-"+g.rung.Suffix))
		}
		if g.reflects != spec.ReflectNever {
			names = append(names, Label(base+"-"+g.rung.Suffix+"-digest"))
		}
		major, _, _ := strings.Cut(strings.TrimLeft(g.rung.Range, ">=v^"), ".x")
		names = append(names, Label(base+"-"+g.rung.Suffix+"-"+major))
		g.name = pinsetter.Name{Namespace: p.o.Namespace, Name: unique(names, taken)}
		taken[g.name.Name] = true
	}
	p.bases = bases
}

// base returns the name of a group's ImageRepository.
func (p *proposer) base(g *group) string { return p.bases[g.canonical] }

// names returns the names for a group's image, the shortest first.
func (g *group) names() []string {
	segments := strings.Split(g.canonical, "/")
	last := segments[len(segments)-1]
	names := []string{Label(last)}
	if g.asks[0].Kind == KindChart {
		names = append(names, Label(last+"-chart"))
	}
	for i := len(segments) - 2; i >= 0; i-- {
		names = append(names, Label(strings.Join(segments[i:], "-")))
	}
	return names
}

// unique returns the first name that isn't taken, or the last one with a number.
func unique(names []string, taken map[string]bool) string {
	for _, name := range names {
		if !taken[name] {
			return name
		}
	}
	last := names[len(names)-1]
	for i := 2; ; i++ {
		if name := fmt.Sprintf("%s-%d", last, i); !taken[name] {
			return name
		}
	}
}

// Label returns a text as a name that objects and labels can have (RFC 1123).
func Label(text string) string {
	text = notInNames().ReplaceAllString(strings.ToLower(text), "-")
	if len(text) > 60 {
		text = text[len(text)-60:]
	}
	if text = strings.Trim(text, "-"); text == "" {
		return "image"
	}
	return text
}

var notInNames = pinsetter.Pattern(`[^a-z0-9]+`)

func sortReferences(all []Reference) {
	slices.SortStableFunc(all, func(a, b Reference) int { return cmp.Compare(a.Line, b.Line) })
}

// clean returns a folder of a repository without "./" and slashes at its ends.
func clean(folder string) string { return strings.TrimPrefix(path.Clean("/"+folder), "/") }
