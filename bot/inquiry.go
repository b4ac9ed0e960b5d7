package bot

import (
	"context"

	"github.com/pinsetter/pinsetter/gate"
)

// inquiry is what is asked about the tags of one policy, and what was answered. The
// bounds on what a policy asks of a registry hold for it as a whole. It is not safe
// for concurrent use.
type inquiry struct {
	facts *facts
	known gate.Known
}

// inquire begins an inquiry.
func (f *facts) inquire() *inquiry {
	return &inquiry{f, gate.Known{
		Sights:   map[string]gate.Answer[gate.Sight]{},
		Digests:  map[string]gate.Answer[string]{},
		Contents: map[string]gate.Answer[gate.Content]{},
	}}
}

// until answers the questions of ask until it has none. An answer may be that the
// fact can't be had, so there is an end.
func (q *inquiry) until(ctx context.Context, ask func(gate.Known) []gate.Question) {
	for questions := ask(q.known); len(questions) > 0; questions = ask(q.known) {
		q.answer(ctx, questions)
	}
}

func (q *inquiry) answer(ctx context.Context, questions []gate.Question) {
	var tags []string
	for _, question := range questions {
		switch question.Kind {
		case gate.KindSight:
			tags = append(tags, question.Tag)
		case gate.KindDigest:
			q.known.Digests[question.Tag] = answered(q.facts.digest(ctx, question.Tag))
		case gate.KindContent:
			q.known.Contents[question.Digest] = answered(q.facts.content(ctx, question.Digest))
		}
	}
	for tag, sight := range q.facts.sightsOf(ctx, tags) {
		q.known.Sights[tag] = sight
	}
	if len(tags) > 1 { // who asks for several goes on asking
		q.facts.learnt.addSights(q.known.Sights)
	}
}

func answered[T any](value T, err error) gate.Answer[T] {
	return gate.Answer[T]{Value: value, Err: err}
}
