package gate

import (
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Scan is one list of an image's tags, without those that a caller leaves out
// every time, such as signatures.
type Scan struct {
	At    time.Time
	Count int
	Hash  string // of the sorted list; two scans agree where it is equal
}

// Listing is what is remembered of an image's tag lists. The zero Listing is
// that of an image that was never listed.
type Listing struct {
	Complete Scan      // the last list that was believed
	Suspect  Scan      // the last list that was not; zero where the last one was
	Since    time.Time // when the first list in an unbroken row of them came that weren't believed
	Agreed   int       // how many lists after Suspect, in an unbroken row, agree with it
}

// A list that shrank is believed once that many later ones agree, or after that
// time.
const (
	agreements = 2
	patience   = 24 * time.Hour
)

// Next judges a scan and returns what to remember. The refusal is nil where the
// list is believed, and else holds every policy of the image.
//
// A registry that fails halfway answers with a part of its list, which looks
// like any other. So a list with less than half the tags of the last one that
// was believed isn't until two later scans agree with it, or a day has passed
// since the first such list.
func (l Listing) Next(scan Scan) (Listing, *Refusal) {
	if 2*scan.Count >= l.Complete.Count {
		return Listing{Complete: scan}, nil
	}
	next := Listing{Complete: l.Complete, Suspect: scan, Since: l.Since}
	if l.Since.IsZero() || scan.At.Before(l.Since) { // the clock went back: the day begins anew
		next.Since = scan.At
	}
	if !l.Since.IsZero() && l.Suspect.Hash == scan.Hash && l.Suspect.Count == scan.Count {
		next.Agreed = l.Agreed + 1
	}
	until := next.Since.Add(patience)
	if next.Agreed >= agreements || !scan.At.Before(until) {
		return Listing{Complete: scan}, nil
	}
	return next, &Refusal{
		Rule: pinsetter.RuleListing, Until: until,
		Reason: fmt.Sprintf("the registry lists %d tags and listed %d before, so the list may be cut: "+
			"it is believed once %d later scans agree, or from %s on; to go on now, write the tag by hand",
			scan.Count, l.Complete.Count, agreements, clock(until.UTC())),
	}
}
