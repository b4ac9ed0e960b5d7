package bot

import (
	"context"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/plan"
)

// target is what a lane's automations rewrite, as one attempt reads it: a branch, the
// branches of pull requests, or an artifact. It knows no policy. Its methods are
// called in this order.
type target interface {
	// fetch is step 1: it finds out the revision that is read.
	fetch(ctx context.Context) error

	// quiet returns the results if nothing can be to do at this revision, else nil.
	quiet(ctx context.Context) []*Result

	// read finds out what to build on, and which of it is the bot's own.
	read(ctx context.Context) error

	// find is step 2: it returns a plan with the markers below an automation's path,
	// on top of what is applied for the automations before it.
	find(ctx context.Context, a *fleet.Automation) *plan.Plan

	// apply is step 4, for a plan that is decided.
	apply(ctx context.Context, p *plan.Plan) error

	// deliver is step 5, and 6 if changes are proposed: it writes what was applied,
	// if the target still is as it was read. Else the error is gitops.ErrStale.
	deliver(ctx context.Context) error

	// results returns a result for each automation, or for each of its pull requests.
	results() []*Result

	// close frees what was read. It is called once, whatever failed.
	close()
}
