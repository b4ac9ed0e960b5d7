package proposal

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/message"
)

// Record is what the ledger keeps of a pull request. All of it can be asked
// for again: it saves requests, and says what became of one whose branch is gone.
type Record struct {
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
func (r Record) empty() bool {
	return r.PullRequest == nil && r.Commit == "" && len(r.Refused) == 0
}

// keepInMind has the conductor remember what has changed.
func (s *Survey) keepInMind(ctx context.Context) {
	changed := map[string]json.RawMessage{}
	for _, g := range s.Groups {
		g.known.PullRequest = g.pr
		now, _ := json.Marshal(g.known) // of texts and numbers
		if g.known.empty() {
			now = nil
		}
		if !bytes.Equal(now, s.kept[g.branch]) {
			changed[g.branch] = now
		}
	}
	s.o.Conductor.Keep(context.WithoutCancel(ctx), changed) // what was done is remembered, also when somebody ends the program
}
