package bot

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
)

// proposalRecord is what the ledger keeps of a pull request. All of it can be asked
// for again: it saves requests, and says what became of one whose branch is gone.
type proposalRecord struct {
	PullRequest *forge.PullRequest `json:"pullRequest,omitempty"`
	Refused     []refusal          `json:"refused,omitempty"`   // by closing pull requests of its branch
	Builds      []message.Build    `json:"builds,omitempty"`    // of the images that it proposes
	Commented   bool               `json:"commented,omitempty"` // it has been said that somebody's commit is on its branch
	Merging     string             `json:"merging,omitempty"`   // the commit that the forge merges when its rules allow
	Commit      string             `json:"commit,omitempty"`    // that the forge made for it: a server may commit by any name
}

// refusal is what a pull request proposed that a person closed.
type refusal struct {
	Number  int                `json:"number"`
	Head    string             `json:"head"` // hash
	Changes []pinsetter.Change `json:"changes"`
	More    bool               `json:"more,omitempty"` // the commits had no room for all of them
}

// empty reports whether there is nothing to remember.
func (r proposalRecord) empty() bool {
	return r.PullRequest == nil && r.Commit == "" && len(r.Refused) == 0
}

// remember reads what the ledger knows of an automation's pull requests, by
// branch. What can't be read is not known.
func (c *cycle) remember(ctx context.Context, s *survey) {
	s.known, s.kept = map[string]proposalRecord{}, map[string]json.RawMessage{}
	if c.selector.failing.was.Load() {
		return
	}
	kept, err := c.o.Ledger.Proposals(ctx, s.repository(), s.lane.automations[0].Name.String())
	if err != nil {
		c.selector.failing.failed(err)
		return
	}
	for branch, data := range kept {
		var r proposalRecord
		if json.Unmarshal(data, &r) == nil && !r.empty() {
			s.known[branch], s.kept[branch] = r, data
		}
	}
}

// keepInMind tells the ledger what has changed of what is remembered.
func (c *cycle) keepInMind(ctx context.Context, s *survey) {
	if c.selector.failing.was.Load() {
		return
	}
	changed := map[string]json.RawMessage{}
	for _, g := range s.groups {
		g.known.PullRequest = g.pr
		now, _ := json.Marshal(g.known) // of texts and numbers
		if g.known.empty() {
			now = nil
		}
		if !bytes.Equal(now, s.kept[g.branch]) {
			changed[g.branch] = now
		}
	}
	ctx = context.WithoutCancel(ctx) // what was done is remembered, also when somebody ends the program
	if err := c.o.Ledger.PutProposals(ctx, c.now, s.repository(), s.lane.automations[0].Name.String(), changed); err != nil {
		c.selector.failing.failed(err)
	}
}

// repository returns the key of the automation's repository.
func (s *survey) repository() string {
	key, _ := gitops.Key(s.lane.git.URL) // lanes has it already
	return key
}
