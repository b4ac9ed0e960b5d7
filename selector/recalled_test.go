package selector

import (
	"testing"

	"github.com/pinsetter/pinsetter/store"
)

// An answer is used once: a list that is judged again is judged by what the ledger
// knows by then.
func TestRecalledIsTakenOnce(t *testing.T) {
	var r recalled
	if _, ok := r.take("app"); ok {
		t.Error("an answer to nothing")
	}
	r.add([]string{"app", "app without x", "other"}, map[string]store.Listing{"app": {Agreed: 3}})
	if _, ok := r.take("app", "unasked"); ok {
		t.Error("an answer to what wasn't asked")
	}
	known, ok := r.take("app", "app without x")
	if listing, found := known["app"]; !ok || !found || listing.Agreed != 3 || len(known) != 1 {
		t.Errorf("known is %v, %t", known, ok)
	}
	if _, ok := r.take("app"); ok {
		t.Error("an answer was taken twice")
	}
	if known, ok := r.take("other"); !ok || len(known) != 0 {
		t.Errorf("what the ledger doesn't know is %v, %t", known, ok)
	}
}
