package bot

import "context"

// attempt does the steps for a lane, once. An error is about all of its automations,
// and is gitops.ErrStale if the target has changed since it was read. What concerns
// one automation is in its result.
func (c *cycle) attempt(ctx context.Context, l *lane) ([]*Result, error) {
	t := c.target(l)
	defer t.close()
	if err := t.fetch(ctx); err != nil { // step 1
		return nil, err
	}
	if results := t.quiet(ctx); results != nil {
		return results, nil
	}
	if err := t.read(ctx); err != nil {
		return nil, err
	}
	for _, a := range l.automations {
		p := t.find(ctx, a)                      // step 2
		l.seat.Away(func() { c.decide(ctx, p) }) // step 3
		if err := t.apply(ctx, p); err != nil {  // step 4
			return nil, err
		}
	}
	if c.mode == Push {
		if err := t.deliver(ctx); err != nil { // steps 5 and 6
			return nil, err
		}
	}
	return t.results(), nil
}

// target returns what a lane rewrites.
func (c *cycle) target(l *lane) target {
	switch {
	case l.git == nil:
		return &artifactTarget{cycle: c, lane: l, automation: l.automations[0]}
	case l.proposes != nil:
		return &proposals{reading: reading{cycle: c, lane: l}}
	}
	return &branch{reading: reading{cycle: c, lane: l}}
}
