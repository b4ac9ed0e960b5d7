package selector

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
)

// Inquiry answers the questions about a policy's sites and tags, and remembers the
// answers. The bounds on a policy's questions to a registry hold for one inquiry. It
// is not safe for concurrent use.
type Inquiry struct {
	selection *Selection
	known     decide.Known
	enclosing map[string]*fleet.Trust // of the sites' objects, by its identity

	opening  sync.Mutex           // of evidence, since rechecks ask in parallel
	evidence map[string]*evidence // by digest
}

// Inquire begins an inquiry.
func (s *Selection) Inquire() *Inquiry {
	return &Inquiry{
		selection: s,
		known: decide.Known{
			Known: gate.Known{
				Sights:     map[string]gate.Answer[gate.Sight]{},
				Digests:    map[string]gate.Answer[string]{},
				Contents:   map[string]gate.Answer[gate.Content]{},
				Showings:   map[string]gate.Answer[[]pinsetter.Showing]{},
				Stays:      map[string]gate.Answer[bool]{},
				Signatures: map[gate.Signed]pinsetter.Signature{},
			},
			Pins: map[string]gate.Answer[string]{},
		},
		enclosing: map[string]*fleet.Trust{},
		evidence:  map[string]*evidence{},
	}
}

// maxRounds bounds how often questions are answered for the sites of one policy.
// Every round answers some, which gates bound: it is never reached.
const maxRounds = 100_000

var errRounds = errors.New("too many questions about it")

// Decide returns a decision for each view, in their order. It answers questions until
// there are none. If a question is about the past of sites, lookUp completes the
// views with it; nil means that nobody knows.
func (q *Inquiry) Decide(ctx context.Context, views []decide.View, lookUp func([]decide.View)) []decide.Decision {
	decisions := make([]decide.Decision, len(views))
	views, open := slices.Clone(views), make([]int, len(views))
	for i := range views {
		q.enclose(&views[i].Site)
	}
	for i := range views {
		decisions[i].Err, open[i] = errRounds, i
	}
	for range maxRounds {
		made, questions := decide.Decide(&q.selection.Policy, views, q.known)
		n := 0
		for i, d := range made {
			if d != nil {
				decisions[open[i]] = *d
				continue
			}
			views[n], open[n] = views[i], open[i]
			n++
		}
		if views, open = views[:n], open[:n]; n == 0 {
			break
		}
		q.answer(ctx, questions)
		if lookUp != nil && slices.Contains(questions, decide.Question{Kind: decide.KindShown}) {
			lookUp(views)
		}
	}
	return decisions
}

// First returns the best candidate that passes the policy's gates, and the verdicts
// on better ones.
func (s *Selection) First(ctx context.Context) gate.First {
	q := s.Inquire()
	for range maxRounds {
		first, questions := s.Walk.First(q.known.Known)
		if len(questions) == 0 {
			return first
		}
		q.answer(ctx, questions)
	}
	return gate.First{}
}

// answer answers questions about tags: those to the registry in parallel.
func (q *Inquiry) answer(ctx context.Context, questions []decide.Question) {
	var sights, digests []string
	for _, question := range questions {
		switch question.Kind {
		case gate.KindSight:
			sights = append(sights, question.Tag)
		case gate.KindDigest, decide.KindPin:
			digests = append(digests, question.Tag)
		case gate.KindContent:
			content, err := q.selection.facts.content(ctx, question.Digest)
			q.known.Contents[question.Digest] = gate.Answer[gate.Content]{Value: content, Err: err}
		case gate.KindShowing:
			showings, err := q.selection.facts.showings(ctx, question.Tag)
			q.known.Showings[question.Tag] = gate.Answer[[]pinsetter.Showing]{Value: showings, Err: err}
		case gate.KindStays:
			stays, err := q.selection.facts.scanner.Has(ctx, q.selection.facts.repo, question.Digest)
			q.known.Stays[question.Digest] = gate.Answer[bool]{Value: stays, Err: err}
		case gate.KindSignature:
			signed := gate.Signed{Digest: question.Digest, Trust: question.Trust}
			q.known.Signatures[signed] = q.signature(ctx, signed)
		}
	}
	shows := map[string]gate.Answer[string]{}
	if len(digests) > 0 {
		shows = q.selection.facts.digests(ctx, digests)
	}
	for _, question := range questions {
		switch question.Kind {
		case gate.KindDigest:
			q.known.Digests[question.Tag] = shows[question.Tag]
		case decide.KindPin:
			q.known.Pins[question.Tag] = shows[question.Tag]
		}
	}
	if len(sights) > 0 {
		q.selection.facts.addSights(ctx, q.known.Sights, sights)
	}
}
