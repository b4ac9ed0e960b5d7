package gate_test

import (
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/gate"
)

// TestListing goes through a row of scans. Each is believed or not.
func TestListing(t *testing.T) {
	type scan struct {
		hour     float64
		count    int
		hash     string
		believed bool
	}
	tests := []struct {
		name  string
		scans []scan
	}{
		{"the first is believed", []scan{{0, 1, "a", true}}},
		{"half is enough", []scan{{0, 10, "a", true}, {1, 5, "b", true}}},
		{"two later ones agree", []scan{{0, 10, "a", true}, {1, 4, "b", false}, {2, 4, "b", false}, {3, 4, "b", true}, {4, 4, "b", true}}},
		{"it was a fault", []scan{{0, 10, "a", true}, {1, 4, "b", false}, {2, 10, "a", true}, {3, 4, "b", false}, {4, 4, "b", false}}},
		{"they don't agree", []scan{{0, 10, "a", true}, {1, 4, "b", false}, {2, 4, "c", false}, {3, 4, "c", false}, {4, 4, "c", true}}},
		{"a day has passed", []scan{{0, 10, "a", true}, {1, 4, "b", false}, {24, 3, "c", false}, {25, 2, "d", true}, {26, 1, "e", true}, {27, 0, "f", false}}},
		{"smaller and smaller", []scan{{0, 100, "a", true}, {1, 50, "b", true}, {2, 24, "c", false}, {3, 12, "d", false}}},
		{"the clock goes back", []scan{{0, 10, "a", true}, {30, 4, "b", false}, {1, 4, "c", false}, {24.9, 3, "d", false}, {25, 3, "e", true}}},
		{"the clock was ahead", []scan{{1000, 10, "a", true}, {1, 4, "b", false}, {25, 4, "c", true}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var l gate.Listing
			for i, s := range test.scans {
				at := noon.Add(time.Duration(s.hour * float64(time.Hour)))
				next, refusal := l.Next(gate.Scan{At: at, Count: s.count, Hash: s.hash})
				if (refusal == nil) != s.believed {
					t.Fatalf("scan %d: %+v\nafter %+v", i, refusal, l)
				}
				if refusal == nil && next != (gate.Listing{Complete: gate.Scan{At: at, Count: s.count, Hash: s.hash}}) {
					t.Errorf("scan %d: remembers %+v", i, next)
				}
				if refusal != nil && (next.Complete != l.Complete || !refusal.Until.After(at)) {
					t.Errorf("scan %d: remembers %+v, %+v", i, next, refusal)
				}
				l = next
			}
		})
	}
}
