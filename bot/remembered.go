package bot

import (
	"context"
	"encoding/json"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/message"
)

// remembered is what the ledger keeps of a pull request. All of it can be asked
// for again: it saves requests, and says what became of one whose branch is gone.
type remembered struct {
	PullRequest *forge.PullRequest `json:"pullRequest,omitempty"`
	Refused     []pinsetter.Change `json:"refused,omitempty"`   // what it proposed when a person closed it
	Builds      []message.Build    `json:"builds,omitempty"`    // of the images that it proposes
	Commented   bool               `json:"commented,omitempty"` // it has been said that somebody's commit is on its branch
	Merging     string             `json:"merging,omitempty"`   // the commit that the forge merges when its rules allow
}

// remember returns what the ledger knows of an automation's pull requests, by
// branch. What can't be read is not known.
func (c *cycle) remember(ctx context.Context, s *survey) map[string]remembered {
	known := map[string]remembered{}
	if c.selector.failing.was.Load() {
		return known
	}
	kept, err := c.o.Ledger.Proposals(ctx, s.whole.ground.repository, s.whole.automation.Name.String())
	if err != nil {
		c.selector.failing.failed(err)
		return known
	}
	for branch, data := range kept {
		var r remembered
		if json.Unmarshal(data, &r) == nil && r.PullRequest != nil {
			known[branch] = r
		}
	}
	return known
}

// keepInMind tells the ledger what has changed of what is remembered.
func (c *cycle) keepInMind(ctx context.Context, s *survey) {
	if c.selector.failing.was.Load() {
		return
	}
	changed := map[string]json.RawMessage{}
	for _, g := range s.groups {
		before, _ := json.Marshal(g.known) // of texts and numbers
		g.known.PullRequest = g.pr
		if g.pr == nil {
			g.known = remembered{}
		}
		after, _ := json.Marshal(g.known)
		switch {
		case string(after) == string(before):
		case g.pr == nil:
			changed[g.branch] = nil
		default:
			changed[g.branch] = after
		}
	}
	ctx = context.WithoutCancel(ctx) // what was done is remembered, also when somebody ends the program
	if err := c.o.Ledger.PutProposals(ctx, c.now, s.whole.ground.repository, s.whole.automation.Name.String(), changed); err != nil {
		c.selector.failing.failed(err)
	}
}
