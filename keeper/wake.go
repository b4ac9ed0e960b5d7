package keeper

import (
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Wake runs the automations that the objects concern after the quiet period:
// those that write a policy, or a policy of an image, or to a GitRepository. It
// lists an image's tags again, however young the last listing is. Schedules
// still hold, unless the automation itself is named; so does a
// policyChangeDelay, unless the automation or its GitRepository is named.
func (k *Keeper) Wake(objects []pinsetter.Object) {
	now := k.now()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil {
		return
	}
	for _, o := range objects {
		k.wake(o.Kind, pinsetter.Name{Namespace: o.Namespace, Name: o.Name}, now)
	}
	k.poke()
}

// wake does what Wake does for one object.
func (k *Keeper) wake(kind string, name pinsetter.Name, now time.Time) {
	switch kind {
	case "ImageUpdateAutomation", "ArtifactAutomation":
		if t := k.agenda.byName[name]; t != nil {
			t.wake(now)
		}
	case "ImageRepository":
		if w := k.agenda.watches[name]; w != nil {
			k.expire(w, now)
		}
	case "ImagePolicy":
		if p := k.set.Policy(name); p != nil {
			for _, t := range k.agenda.writers(p) {
				t.follows(now)
			}
		}
	case "GitRepository", "OCIRepository":
		for _, tasks := range k.agenda.waking {
			for _, t := range tasks {
				if t.automation.ReadsFrom(kind, name) {
					t.wake(now)
				}
			}
		}
	}
}

// expire lists an image's tags again, and wakes the automations that write
// them.
func (k *Keeper) expire(w *watch, now time.Time) {
	k.bot.Expire(w.image)
	underWay := len(k.busy) > 0 || w.scanning // a list that was asked for before may yet be kept
	for _, p := range k.agenda.policies[w.image] {
		for _, t := range k.agenda.writers(p) {
			t.follows(now)
			if underWay && !slices.Contains(t.stale, w.image) {
				t.stale = append(t.stale, w.image)
			}
		}
	}
}
