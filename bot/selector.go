package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
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

// selector asks registries and policies, each once a cycle. It is safe for
// concurrent use.
type selector struct {
	scanner  *scanner.Scanner
	set      *fleet.Set
	roots    *verify.Roots
	ledger   *store.Ledger
	failing  *failing
	now      time.Time
	progress func(string)
	log      *slog.Logger

	mu       sync.Mutex
	tags     map[*string]*policy.Tags        // parsed tags, by the list's first: objects of one image share it
	refusals map[string]func() *gate.Refusal // of an image's list, by its key and hash
	listings map[string]store.Listing        // what to remember, by the key of a list
	learnt   map[string]*learnt              // by canonical name
	results  map[*fleet.Policy]func() *selection
	made     map[*decide.Policy]*selection // by what they embed
	soon     map[pinsetter.Name]bool       // automations that are to be run again soon

	sightings *sightings
	turns     map[string]chan struct{} // of those who ask for digests, by host
}

func newSelector(b *Bot, s *scanner.Scanner, now time.Time) *selector {
	set, o, failing := b.set, b.o, &failing{log: b.o.Log}
	return &selector{
		scanner:  s,
		set:      set,
		roots:    o.Roots,
		ledger:   o.Ledger,
		failing:  failing,
		now:      now,
		progress: o.Progress,
		log:      o.Log,
		tags:     map[*string]*policy.Tags{},
		refusals: map[string]func() *gate.Refusal{},
		listings: map[string]store.Listing{},
		learnt:   map[string]*learnt{},
		results:  map[*fleet.Policy]func() *selection{},
		made:     map[*decide.Policy]*selection{},
		soon:     map[pinsetter.Name]bool{},

		sightings: &sightings{ledger: o.Ledger, failing: failing, now: now},
		turns:     map[string]chan struct{}{},
	}
}

// selection is what a policy selects in this cycle. With Err set, nothing else can
// be relied on.
type selection struct {
	decide.Policy
	set     *fleet.Set
	listing *scanner.Listing
	tags    *policy.Tags
	facts   *facts
	dating  bool // when a candidate was signed counts

	enclosing sync.Map // identities of what objects trust that its sites stand in, to true
}

// lookAgain notes that an automation is to be run again soon.
func (s *selector) lookAgain(automation pinsetter.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.soon[automation] = true
}

// all selects for policies, in parallel.
func (s *selector) all(ctx context.Context, policies []*fleet.Policy) {
	each(policies, func(p *fleet.Policy) *selection { return s.selection(ctx, p) })
}

// selection returns what p selects. The first call scans, later ones remember.
func (s *selector) selection(ctx context.Context, p *fleet.Policy) *selection {
	s.mu.Lock()
	once, ok := s.results[p]
	if !ok {
		once = s.later(ctx, p, time.Time{})
		s.results[p] = once
	}
	s.mu.Unlock()
	return once()
}

// again selects for policies anew, by lists of tags from no earlier than that.
func (s *selector) again(ctx context.Context, policies []*fleet.Policy, earliest time.Time) {
	s.mu.Lock()
	for _, p := range policies {
		s.results[p] = s.later(ctx, p, earliest)
	}
	s.mu.Unlock()
	s.all(ctx, policies)
}

// later returns what selects for p when it is called first.
func (s *selector) later(ctx context.Context, p *fleet.Policy, earliest time.Time) func() *selection {
	return sync.OnceValue(func() *selection {
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

// of returns the selection that a plan's policy is of; nil: none.
func (s *selector) of(p *decide.Policy) *selection {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[p]
}

func (s *selector) compute(ctx context.Context, p *fleet.Policy, earliest time.Time) *selection {
	sel := &selection{set: s.set, Policy: decide.Policy{Object: p, Rules: p.Rules}}
	if sel.Err = usable(p); sel.Err != nil {
		return sel
	}
	if sel.listing, sel.Err = s.scan(ctx, p.Repository, earliest); sel.Err != nil {
		return sel
	}
	sel.tags = s.parsed(sel.listing)
	if sel.Ranking, sel.Err = sel.Rules.Rank(sel.tags); sel.Err != nil {
		return sel
	}
	if _, ok := sel.Ranking.Best(); !ok {
		sel.Err = fmt.Errorf("none of the %d tags of %s matches: see \"pinsetter explain %s\" for why",
			len(sel.listing.Tags), p.Repository.Image, p.Name)
		return sel
	}
	sel.Err = s.gate(ctx, sel)
	return sel
}

// gate puts the policy's gates before its candidates.
func (s *selector) gate(ctx context.Context, sel *selection) error {
	gates, err := s.set.DemandsOn(sel.Object)
	if err != nil {
		return err
	}
	trusts, err := s.set.TrustsOn(sel.Object)
	if err != nil {
		return err
	}
	if names := gates.Remembering(); len(names) > 0 && !s.ledger.Remembers() {
		return fmt.Errorf("minAge of Gate %s counts from the first sight of a tag, and nothing is remembered: "+
			"give a state that can be opened (--state), or set minAgeFrom: created", strings.Join(names, ", "))
	}
	refusal := s.believe(ctx, sel.Object.Repository, sel.listing)
	sel.Disbelief = refusal
	sel.facts = &facts{
		roots: s.roots, ledger: s.ledger, failing: s.failing, scanner: s.scanner, repo: sel.Object.Repository,
		image: sel.listing.Canonical, now: s.now, learnt: s.learntOf(sel.listing.Canonical), trusts: trusts,
		sightings: s.sightings, turns: s.turnsAt(hostOf(sel.Object.Repository.Image)),
	}
	sel.dating = gates.Dating()
	sel.Walk = gates.Walk(gate.Subject{
		Candidates: sel.Ranking.All(), Order: &sel.Policy, Bump: sel.Rules.Bump, Now: s.now, Starts: s.ledger.Records(), Listing: refusal,
		Pins:      sel.Object.Spec.DigestReflectionPolicy != spec.ReflectNever,
		Remembers: s.ledger.Remembers(),
	})
	return nil
}

// lacks reports whether a site shows a tag that the policy accepts and that is not
// listed.
func (s *selection) lacks(site pinsetter.Site) bool {
	descending := func(a, b string) int { return strings.Compare(b, a) }
	return slices.ContainsFunc(site.Written, func(written pinsetter.Image) bool {
		_, listed := slices.BinarySearchFunc(s.listing.Tags, written.Tag, descending)
		return written.Tag != "" && !listed && s.Accepts(written.Tag)
	})
}

// scan lists a repository's tags, no earlier than that. What the registry listed
// that is no tag is said, since no policy will ever see it.
func (s *selector) scan(ctx context.Context, repo *fleet.Repository, earliest time.Time) (*scanner.Listing, error) {
	s.progress("scanning " + repo.Image)
	listing, err := s.scanner.ScanAfter(ctx, repo, earliest)
	if err == nil {
		s.log.Debug("scanned", "imageRepository", repo.Name, "image", repo.Image, "tags", len(listing.Tags))
	}
	if err == nil && listing.DroppedCount > 0 {
		text, kind := "the registry listed names that are no tags; they are dropped", "imageRepository"
		if repo.Index != nil {
			text, kind = "the index has versions of the chart that can't be read; they are passed over", "chartRepository"
		}
		s.log.Warn(text, kind, repo.Name,
			"image", repo.Image, "count", listing.DroppedCount, "such as", listing.Dropped[:min(len(listing.Dropped), 3)])
	}
	return listing, err
}

// digestsAtOnce bounds the digests of a host that are waited for at once. The registry
// bounds what is in flight; this bounds what waits for that in memory.
const digestsAtOnce = 64

// turnsAt returns what somebody who asks a host for a digest sends to until there is
// an answer.
func (s *selector) turnsAt(host string) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns[host] == nil {
		s.turns[host] = make(chan struct{}, digestsAtOnce)
	}
	return s.turns[host]
}

// done returns the selections that were made.
func (s *selector) done() []*selection {
	s.mu.Lock()
	made := slices.Collect(maps.Values(s.results))
	s.mu.Unlock()
	selections := make([]*selection, len(made))
	for i, once := range made {
		selections[i] = once()
	}
	return selections
}

// hostOf returns the registry of an image, by the rule that Docker has: what
// stands before the first slash and can't be a folder's name.
func hostOf(image string) string {
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
		return errSuspended
	case p.Repository.Suspended:
		return fmt.Errorf("its %s %s: %w", p.Repository.Kind(), p.Repository.Name, errSuspended)
	}
	return nil
}

// parsed returns the tags of a listing, parsed once for all policies.
func (s *selector) parsed(listing *scanner.Listing) *policy.Tags {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := &listing.Tags[0] // there is one
	tags, ok := s.tags[first]
	if !ok {
		tags = policy.NewTags(listing.Tags)
		s.tags[first] = tags
	}
	return tags
}

// digest returns the digest of a tag, which is asked once a cycle.
func (s *selection) digest(ctx context.Context, tag string) (string, error) {
	digest, err := s.facts.digest(ctx, tag)
	if err != nil {
		return "", fmt.Errorf("ImagePolicy %s: %w", s.Object.Name, err)
	}
	return digest, nil
}

// best returns a policy's best candidate, with its digest where every move of
// that is followed; false where it can't be had.
func (s *selection) best(ctx context.Context) (string, bool) {
	if s.Err != nil {
		return "", false
	}
	best, ok := s.Ranking.Best()
	if !ok || s.Object.Spec.DigestReflectionPolicy != spec.ReflectAlways {
		return best.Tag, ok
	}
	digest, err := s.digest(ctx, best.Tag)
	return best.Tag + "@" + digest, err == nil
}
