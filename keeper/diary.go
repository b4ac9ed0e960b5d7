package keeper

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
)

// maxLogged bounds the changes that one line of the log names.
const maxLogged = 20

// diary logs how automations ended.
type diary struct{ log *slog.Logger }

// done logs what a result pushed, proposed or merged.
func (d diary) done(r *bot.Result) {
	e, done := doneBy(pinsetter.Event{}, r)
	if !done {
		return
	}
	args := []any{"automation", r.Automation(), "summary", cmp.Or(e.Summary, e.Message)}
	add := func(key, value string) {
		if value != "" {
			args = append(args, key, value)
		}
	}
	add("group", r.Group)
	add("branch", e.Branch)
	add("commit", e.Commit)
	add("pullRequest", e.PullRequest)
	var changes []string
	for _, c := range r.Changes[:min(len(r.Changes), maxLogged)] {
		changes = append(changes, fmt.Sprintf("%s:%d %s -> %s", c.Path, c.Line, c.Old, c.New))
	}
	if more := len(r.Changes) - len(changes); more > 0 {
		changes = append(changes, fmt.Sprintf("and %d more", more))
	}
	add("changes", strings.Join(changes, ", "))
	d.log.Info(string(e.Kind), args...)
}

// held logs what an automation holds and didn't hold before.
func (d diary) held(state *AutomationState, before []pinsetter.Hold) {
	type key struct{ policy, path, candidate string }
	known := map[key]bool{}
	for _, h := range before {
		known[key{h.Policy, h.Path, h.Candidate}] = true
	}
	for _, h := range state.Held {
		is := key{h.Policy, h.Path, h.Candidate}
		if known[is] {
			continue
		}
		known[is] = true
		d.log.Info("held", "automation", state.Name, "policy", h.Policy, "path", h.Path, "line", h.Line,
			"current", h.Current, "candidate", h.Candidate, "reason", h.Reason)
	}
}

// ended logs that an automation fails, fails in another way than before, or
// works again.
func (d diary) ended(state *AutomationState, before error) {
	switch {
	case state.Err != nil && (before == nil || before.Error() != state.Err.Error()):
		d.log.Error("an automation fails", "automation", state.Name, "error", strings.ReplaceAll(state.Err.Error(), "\n", "; "))
	case state.Err == nil && before != nil:
		d.log.Info("an automation works again", "automation", state.Name)
	default:
		d.log.Debug("an automation was run", "automation", state.Name)
	}
}
