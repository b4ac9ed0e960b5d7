package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/seats"
	"github.com/pinsetter/pinsetter/selector"
)

// Report is the outcome of a cycle.
type Report struct {
	Results  []*Result     // as Cycle returns them
	Policies []PolicyState // those that a marker names, sorted by namespace and name; none if the cycle was stopped
	Took     time.Duration // of the cycle's work on the repository

	// Soon are the automations that are to be run again in a minute or so, sorted:
	// an image isn't signed yet.
	Soon []pinsetter.Name
}

// PolicyState is the state of a policy after a cycle: its selection, and the list of
// tags that this is from. Digests are not asked for.
type PolicyState struct {
	Selected
	Rule       string         // how it chooses, for people
	Repository pinsetter.Name // its ImageRepository; zero: it has none
	Listing    Listing
}

// Policy returns the policy's name.
func (s PolicyState) Policy() pinsetter.Name {
	return pinsetter.Name{Namespace: s.Namespace, Name: s.Name}
}

// Listing is a list of an image's tags. The zero Listing is none.
type Listing struct {
	At   time.Time // when the registry was asked
	Hash string    // equal for equal lists
	Tags int       // how many the ImageRepository keeps
}

// CycleOn runs a whole Cycle over the automations of one repository, on a seat, and
// leaves the seat.
func (b *Bot) CycleOn(ctx context.Context, seat *seats.Seat, automations []*fleet.Automation) Report {
	begin := b.o.Now()
	c, results := b.cycle(ctx, Push, automations, func() *seats.Seat { return seat })
	seat.Leave() // no lane did, if none could be worked on
	report := Report{Results: results, Took: b.o.Now().Sub(begin)}
	report.Soon = c.selector.Soon()
	if ctx.Err() == nil {
		held := whyHeldBy(results)
		for _, sel := range c.selector.Done() {
			state := stateOf(ctx, sel)
			if state.Err == nil && sel.Walk != nil {
				state.settle(sel, held[state.Policy().String()])
			}
			report.Policies = append(report.Policies, state)
		}
		c.selector.Tell(ctx)
		slices.SortFunc(report.Policies, func(a, b PolicyState) int { return a.Policy().Compare(b.Policy()) })
	}
	return report
}

// StateOf returns the state of a policy that no cycle has selected for: its rule, its
// image and its error.
func StateOf(p *fleet.Policy) PolicyState {
	state := PolicyState{Rule: message.Rule(p.Spec), Selected: Selected{
		Namespace: p.Name.Namespace, Name: p.Name.Name, Suspended: isSuspended(p),
	}}
	if p.Repository != nil {
		state.Image, state.Repository = p.Repository.Image, p.Repository.Name
	}
	state.fail(p.Err)
	return state
}

// stateOf returns what a selection came to, whatever is written.
func stateOf(ctx context.Context, sel *selector.Selection) PolicyState {
	state := StateOf(sel.Object)
	state.Listing = listingOf(sel.Listing)
	switch {
	case sel.Err != nil:
		state.fail(sel.Err)
	case sel.Walk != nil:
		first := sel.First(ctx)
		if err := sel.Failure(first); err != nil {
			state.fail(err)
			break
		}
		if first.Candidate.Tag != "" {
			state.Tag = first.Candidate.Tag
			state.Ref = pinsetter.Image{Name: state.Image, Tag: state.Tag}.String()
		}
	}
	return state
}

// whyHeldBy says why something better isn't written, by policy: at the first of its
// sites.
func whyHeldBy(results []*Result) map[string]string {
	why := map[string]string{}
	for _, r := range results {
		for _, hold := range r.Held {
			if why[hold.Policy] == "" {
				why[hold.Policy] = hold.Reason
			}
		}
	}
	return why
}

// fail records why the policy can't select; that it is suspended is said already.
func (s *PolicyState) fail(err error) {
	if err != nil && !errors.Is(err, selector.ErrSuspended) {
		s.Err, s.Error = err, pinsetter.OneLine(err)
	}
}

// listingOf returns what is told of a listing, which may be nil.
func listingOf(l *scanner.Listing) Listing {
	if l == nil {
		return Listing{}
	}
	return Listing{At: l.ScannedAt, Hash: l.Hash, Tags: len(l.Tags)}
}

// ScanEach lists the tags of images, and calls scanned for each as its answer comes,
// from several goroutines: with the zero Listing if there is none. No registry's
// images wait for another's.
func (b *Bot) ScanEach(ctx context.Context, images []*fleet.Repository, scanned func(*fleet.Repository, Listing)) {
	c := b.newCycle(Propose)
	byHost := map[string][]*fleet.Repository{}
	for _, image := range images {
		host := selector.HostOf(image.Image)
		byHost[host] = append(byHost[host], image)
	}
	var all sync.WaitGroup
	for _, ofHost := range byHost {
		all.Go(func() {
			selector.Each(ofHost, func(image *fleet.Repository) struct{} {
				listing, _ := c.selector.Scan(ctx, image, time.Time{}) // the next cycle says so too
				scanned(image, listingOf(listing))
				return struct{}{}
			})
		})
	}
	all.Wait()
}

// Expire has the next cycle list an image's tags, however young the last listing
// is.
func (b *Bot) Expire(r *fleet.Repository) {
	if err := scanner.New(b.o.Registry, b.o.Now).Expire(r); err != nil {
		b.o.Log.Debug("the listing can't be expired", "imageRepository", r.Name, "error", err) // scanning says so too
	}
}
