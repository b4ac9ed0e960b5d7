package selector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/store"
	"github.com/pinsetter/pinsetter/verify"
)

// scansAtOnce bounds the images that are waited for at once. The registry
// bounds what is in flight per host; this bounds goroutines.
const scansAtOnce = 128

// Each calls do for all items, 128 at a time, and returns the results in the order of
// the items.
func Each[T, R any](items []T, do func(T) R) []R {
	results := make([]R, len(items))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(len(items), scansAtOnce) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(items)); i = next.Add(1) - 1 {
				results[i] = do(items[i])
			}
		})
	}
	workers.Wait()
	return results
}

// Options are what a Selector works with. All of them must be set.
type Options struct {
	Scanner  *scanner.Scanner
	Set      *fleet.Set
	Roots    *verify.Roots
	Ledger   *store.Ledger
	Now      time.Time    // of the whole cycle
	Progress func(string) // told what is being done, from several goroutines
	Log      *slog.Logger
}

// Selector asks registries and policies, each once a cycle. It is safe for
// concurrent use.
type Selector struct {
	Options
	Failing *Failing

	mu       sync.Mutex
	tags     map[*string]*policy.Tags        // parsed tags, by the list's first: objects of one image share it
	refusals map[string]func() *gate.Refusal // of an image's list, by its key and hash
	listings map[string]store.Listing        // what to remember, by the key of a list
	recalled recalled                        // what the ledger knew of lists
	learnt   map[string]*learnt              // by canonical name
	results  map[*fleet.Policy]func() *Selection
	made     map[*decide.Policy]*Selection // by what they embed
	soon     map[pinsetter.Name]bool       // automations that are to be run again soon

	sightings *sightings
	turns     map[string]chan struct{} // of those who ask for digests, by host
}

// New returns a Selector for one cycle. It asks nothing yet.
func New(o Options) *Selector {
	failing := &Failing{log: o.Log}
	return &Selector{
		Options:  o,
		Failing:  failing,
		tags:     map[*string]*policy.Tags{},
		refusals: map[string]func() *gate.Refusal{},
		listings: map[string]store.Listing{},
		learnt:   map[string]*learnt{},
		results:  map[*fleet.Policy]func() *Selection{},
		made:     map[*decide.Policy]*Selection{},
		soon:     map[pinsetter.Name]bool{},

		sightings: &sightings{ledger: o.Ledger, failing: failing, now: o.Now},
		turns:     map[string]chan struct{}{},
	}
}

// Selection is a policy with its ranking and its gates in this cycle. If Err is set,
// rely on nothing else. It is safe for concurrent use.
type Selection struct {
	decide.Policy
	Listing *scanner.Listing // nil if the tags could not be listed
	set     *fleet.Set
	tags    *policy.Tags
	facts   *facts
	dating  bool // when a candidate was signed counts

	enclosing sync.Map // identities of what objects trust that its sites stand in, to true
}

// LookAgain adds an automation to those that Soon returns.
func (s *Selector) LookAgain(automation pinsetter.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.soon[automation] = true
}

// All makes the selections of policies, in parallel.
func (s *Selector) All(ctx context.Context, policies []*fleet.Policy) {
	s.recall(ctx, policies)
	Each(policies, func(p *fleet.Policy) *Selection { return s.Selection(ctx, p) })
}

// Selection returns the selection of a policy. The first call scans, later ones return
// the same.
func (s *Selector) Selection(ctx context.Context, p *fleet.Policy) *Selection {
	s.mu.Lock()
	once, ok := s.results[p]
	if !ok {
		once = s.later(ctx, p, time.Time{})
		s.results[p] = once
	}
	s.mu.Unlock()
	return once()
}

// decidedOn reports whether this cycle selected for p, or is about to.
func (s *Selector) decidedOn(p *fleet.Policy) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.results[p]
	return ok
}

// Again replaces the selections of policies by new ones, whose lists of tags are not
// older than earliest.
func (s *Selector) Again(ctx context.Context, policies []*fleet.Policy, earliest time.Time) {
	s.mu.Lock()
	for _, p := range policies {
		s.results[p] = s.later(ctx, p, earliest)
	}
	s.mu.Unlock()
	s.All(ctx, policies)
}

// later returns a function that makes the selection of p at its first call.
func (s *Selector) later(ctx context.Context, p *fleet.Policy, earliest time.Time) func() *Selection {
	return sync.OnceValue(func() *Selection {
		sel := s.compute(ctx, p, earliest)
		if sel.Err != nil && p.Err == nil { // an error of loading says whose it is
			sel.Err = fmt.Errorf("ImagePolicy %s: %w", p.Name, sel.Err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.made[&sel.Policy] = sel
		return sel
	})
}

// Of returns the selection that embeds a policy, or nil.
func (s *Selector) Of(p *decide.Policy) *Selection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[p]
}

func (s *Selector) compute(ctx context.Context, p *fleet.Policy, earliest time.Time) *Selection {
	sel := &Selection{set: s.Set, Policy: decide.Policy{Object: p, Rules: p.Rules}}
	if sel.Err = usable(p); sel.Err != nil {
		return sel
	}
	if sel.Listing, sel.Err = s.Scan(ctx, p.Repository, earliest); sel.Err != nil {
		return sel
	}
	sel.tags = s.parsed(sel.Listing)
	if sel.Ranking, sel.Err = sel.Rules.Rank(sel.tags); sel.Err != nil {
		return sel
	}
	if _, ok := sel.Ranking.Best(); !ok {
		sel.Err = fmt.Errorf("none of the %d tags of %s matches: see \"pinsetter explain %s\" for why",
			len(sel.Listing.Tags), p.Repository.Image, p.Name)
		return sel
	}
	sel.Err = s.gate(ctx, sel)
	return sel
}

// gate puts the policy's gates before its candidates.
func (s *Selector) gate(ctx context.Context, sel *Selection) error {
	gates, err := s.Set.DemandsOn(sel.Object)
	if err != nil {
		return err
	}
	trusts, err := s.Set.TrustsOn(sel.Object)
	if err != nil {
		return err
	}
	if names := gates.Remembering(); len(names) > 0 && !s.Ledger.Remembers() {
		return fmt.Errorf("minAge of Gate %s counts from the first sight of a tag, and nothing is remembered: "+
			"give a state that can be opened (--state), or set minAgeFrom: created", strings.Join(names, ", "))
	}
	refusal := s.believe(ctx, sel.Object.Repository, sel.Listing)
	sel.Disbelief = refusal
	sel.facts = &facts{
		roots: s.Roots, ledger: s.Ledger, failing: s.Failing, scanner: s.Scanner, repo: sel.Object.Repository,
		image: sel.Listing.Canonical, now: s.Now, learnt: s.learntOf(sel.Listing.Canonical), trusts: trusts,
		sightings: s.sightings, turns: s.turnsAt(HostOf(sel.Object.Repository.Image)),
	}
	sel.dating = gates.Dating()
	sel.Walk = gates.Walk(gate.Subject{
		Candidates: sel.Ranking.All(), Order: &sel.Policy, Bump: sel.Rules.Bump, Now: s.Now, Starts: s.Ledger.Records(), Listing: refusal,
		Pins:      sel.Object.Spec.DigestReflectionPolicy != spec.ReflectNever,
		Remembers: s.Ledger.Remembers(),
	})
	return nil
}

// Lacks reports whether a site shows a tag that the policy accepts and that is not
// listed.
func (s *Selection) Lacks(site pinsetter.Site) bool {
	descending := func(a, b string) int { return strings.Compare(b, a) }
	return slices.ContainsFunc(site.Written, func(written pinsetter.Image) bool {
		_, listed := slices.BinarySearchFunc(s.Listing.Tags, written.Tag, descending)
		return written.Tag != "" && !listed && s.Accepts(written.Tag)
	})
}

// Scan lists a repository's tags. The list is not older than earliest. Names in the
// registry's list that are no tags are logged, since no policy will ever see them.
func (s *Selector) Scan(ctx context.Context, repo *fleet.Repository, earliest time.Time) (*scanner.Listing, error) {
	s.Progress("scanning " + repo.Image)
	listing, err := s.Scanner.ScanAfter(ctx, repo, earliest)
	if err == nil {
		s.Log.Debug("scanned", "imageRepository", repo.Name, "image", repo.Image, "tags", len(listing.Tags))
	}
	if err == nil && listing.DroppedCount > 0 {
		text, kind := "the registry listed names that are no tags; they are dropped", "imageRepository"
		if repo.Index != nil {
			text, kind = "the index has versions of the chart that can't be read; they are passed over", "chartRepository"
		}
		s.Log.Warn(text, kind, repo.Name,
			"image", repo.Image, "count", listing.DroppedCount, "such as", listing.Dropped[:min(len(listing.Dropped), 3)])
	}
	return listing, err
}

// ErrSuspended says that a policy or its ImageRepository is suspended.
var ErrSuspended = errors.New("suspended")

// digestsAtOnce bounds the digests of a host that are waited for at once. The registry
// bounds what is in flight; this bounds what waits for that in memory.
const digestsAtOnce = 64

// turnsAt returns the channel that holds a value for each digest that a host is asked
// for now.
func (s *Selector) turnsAt(host string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns[host] == nil {
		s.turns[host] = make(chan struct{}, digestsAtOnce)
	}
	return s.turns[host]
}

// Soon returns the automations that are to be run again in a minute or so, sorted by
// namespace and name.
func (s *Selector) Soon() []pinsetter.Name {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.soon), pinsetter.Name.Compare)
}

// Tell records the digests that were seen at registries in the ledger, also if ctx has
// ended. Call it before a push, and at the end of a cycle.
func (s *Selector) Tell(ctx context.Context) { s.sightings.tell(ctx) }

// Done returns the selections that were made.
func (s *Selector) Done() []*Selection {
	s.mu.Lock()
	made := slices.Collect(maps.Values(s.results))
	s.mu.Unlock()
	selections := make([]*Selection, len(made))
	for i, once := range made {
		selections[i] = once()
	}
	return selections
}

// HostOf returns the registry of an image as Docker finds it: the part before the
// first slash, if it has a dot or a port or is localhost, else docker.io.
func HostOf(image string) string {
	host, _, found := strings.Cut(image, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// usable says why p can't select, if it can't.
func usable(p *fleet.Policy) error {
	switch {
	case p.Err != nil:
		return p.Err
	case p.Repository == nil:
		return errors.New("it has no ImageRepository")
	case p.Suspended:
		return ErrSuspended
	case p.Repository.Suspended:
		return fmt.Errorf("its %s %s: %w", p.Repository.Kind(), p.Repository.Name, ErrSuspended)
	}
	return nil
}

// parsed returns the tags of a listing, parsed once for all policies.
func (s *Selector) parsed(listing *scanner.Listing) *policy.Tags {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := &listing.Tags[0] // there is one
	tags, ok := s.tags[first]
	if !ok {
		tags = policy.NewTags(listing.Tags)
		tags.Spare = s.Scanner.Spare
		s.tags[first] = tags
	}
	return tags
}

// Digest returns the digest of a tag, which is asked once a cycle.
func (s *Selection) Digest(ctx context.Context, tag string) (string, error) {
	digest, err := s.facts.digest(ctx, tag)
	if err != nil {
		return "", fmt.Errorf("ImagePolicy %s: %w", s.Object.Name, err)
	}
	return digest, nil
}

// Best returns a policy's best candidate, whatever its gates say: its tag, with
// "@" and its digest if the policy follows digests. It returns false if there is none
// or the registry doesn't tell the digest.
func (s *Selection) Best(ctx context.Context) (string, bool) {
	if s.Err != nil {
		return "", false
	}
	best, ok := s.Ranking.Best()
	if !ok || s.Object.Spec.DigestReflectionPolicy != spec.ReflectAlways {
		return best.Tag, ok
	}
	digest, err := s.Digest(ctx, best.Tag)
	return best.Tag + "@" + digest, err == nil
}
