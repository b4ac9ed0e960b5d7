package selector

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/verify"
)

// TestOutlived: what the public good instance's root had a part in is asked again
// after a week, and nothing else is.
func TestOutlived(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	f := &facts{now: now, roots: &verify.Roots{}}
	public, own, keys := &fleet.Trust{Keyless: &fleet.Keyless{}}, &fleet.Trust{Keyless: &fleet.Keyless{Root: []byte("{}")}}, &fleet.Trust{}
	for _, row := range []struct {
		trust *fleet.Trust
		age   time.Duration
		want  bool
	}{
		{public, 0, false}, {public, publicFor - 1, false}, {public, publicFor, true}, {public, -1, true},
		{own, 100 * publicFor, false}, {keys, 100 * publicFor, false},
	} {
		if got := f.outlived(row.trust, now.Add(-row.age)); got != row.want {
			t.Errorf("%+v after %s: %v", row.trust, row.age, got)
		}
	}
}
