package bot_test

import (
	"testing"

	"github.com/pinsetter/pinsetter/seats"
)

// TestHeldIsWhatIsNotWritten: under a gate that nothing passes, the policy that has
// something better is held, and the one whose best candidate is written isn't, in
// the cycle's report and in what is selected.
func TestHeldIsWhatIsNotWritten(t *testing.T) {
	w, objects := newFleet(t, 2)
	first, second := w.Set.Policies[0], w.Set.Policies[1]
	w.Registry.SetTags("org/app-0", "1.18.0")
	w.Registry.SetTags("org/app-1", "1.18.0", "1.18.1")
	w.Registry.Push("org/app-1", "1.18.1")
	w.Load(objects + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: closed, namespace: default}\n" +
		"spec: {policySelector: {}, windows: [{schedule: '0 0 1 1 *', duration: 1s}]}\n")
	b := w.bot(nil)
	selected := b.Select(t.Context(), w.Set.Policies, w.Set.Automations)
	if s := selected[0]; s.Held != "" || s.Tag != "1.18.0" || s.Err != nil {
		t.Errorf("%s: %+v", first.Name, s)
	}
	if s := selected[1]; s.Held == "" || s.Tag != "" || s.Err != nil {
		t.Errorf("%s: %+v", second.Name, s)
	}
	for _, p := range b.CycleOn(t.Context(), seats.New(seats.AtOnce, nil).TryTake(), w.Set.Automations).Policies {
		if held := p.Held != ""; held != (p.Policy() == second.Name) || held == (p.Tag == "1.18.0") {
			t.Errorf("%s: %+v", p.Policy(), p.Selected)
		}
	}
}
