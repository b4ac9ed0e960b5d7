package bot

import (
	"errors"

	"github.com/pinsetter/pinsetter/fleet"
)

// Before anything is written or displayed as a change, the set is asked which objects
// may be missing: for an automation here, and for a policy by Set.GatesFor, which
// returns no gates if one may be missing.

// unusable returns why an automation can't be run: it has errors, or something may
// say that its changes are to be proposed and can't be relied on.
func (b *Bot) unusable(a *fleet.Automation) error {
	return errors.Join(a.Err, b.set.Missing.StopsAutomation(a))
}
