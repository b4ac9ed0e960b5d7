package bot

import (
	"errors"

	"github.com/pinsetter/pinsetter/fleet"
)

// What may be missing from the objects is asked before anything is written or
// shown as what would be: here for an automation, and for a policy by the set
// itself, which hands out no gates where one may be missing (Set.GatesFor).

// unusable returns why an automation can't be run: it has errors, or something may
// say that its changes are to be proposed and can't be relied on.
func (b *Bot) unusable(a *fleet.Automation) error {
	return errors.Join(a.Err, b.set.Missing.StopsAutomation(a))
}
