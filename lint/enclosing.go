package lint

import (
	"cmp"
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// untrusted says of a site whose object verifies what it pulls that it isn't known
// whom that trusts, such as without the Secret of its keys: the site fails then.
func (l *linter) untrusted(site pinsetter.Site, policy *fleet.Policy) []pinsetter.Finding {
	if site.Enclosing == nil || l.set.IgnoresEnclosing(policy) {
		return nil
	}
	from := fmt.Sprintf("%s %s", site.Object.Kind, site.Object.Name)
	if _, err := l.set.TrustOf(site.Enclosing, from, cmp.Or(site.Object.Namespace, policy.Name.Namespace)); err != nil {
		return []pinsetter.Finding{warn(site, "verify-untrusted", err.Error())}
	}
	return nil
}
