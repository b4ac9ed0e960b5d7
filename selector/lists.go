package selector

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/store"
)

// lists are what is judged of one list of tags: those that an ImageRepository
// keeps, and all of them. Signatures and what is excluded come and go as their
// owners like, so the tags that are kept say whether the list was cut.
type lists struct {
	own, image  string    // keys for the ledger
	kept, whole gate.Scan // what was listed
}

func newLists(repo *fleet.Repository, listing *scanner.Listing, now time.Time) lists {
	all := len(listing.Tags) + len(listing.Excluded) + len(listing.Reserved)
	return lists{
		own:   listKey(listing.Canonical, repo),
		image: listing.Canonical,
		kept:  gate.Scan{At: now, Count: len(listing.Tags), Hash: listing.KeptHash},
		whole: gate.Scan{At: now, Count: all, Hash: listing.Hash},
	}
}

// listKey is the ledger's key of the tags of an image that an ImageRepository keeps.
func listKey(canonical string, repo *fleet.Repository) string {
	return canonical + " without " + exclusions(repo)
}

// exclusions is equal for ImageRepositories that exclude the same. One image may
// have several that don't, each with a count of its own.
func exclusions(repo *fleet.Repository) string {
	var patterns []string
	for _, pattern := range repo.Exclude {
		patterns = append(patterns, pattern.String())
	}
	slices.Sort(patterns)
	sum := sha256.Sum256([]byte(strings.Join(patterns, "\n")))
	return hex.EncodeToString(sum[:8])
}

// judge returns what to remember, by key, and the refusal where the list isn't
// believed.
//
// What was never counted with these exclusions is judged by the whole list, of
// which a count is kept for that: so nobody is blind after an exclusionList was
// edited, nor after an upgrade from when whole lists alone were counted, and
// nothing is held because something else is counted now.
func (l lists) judge(known map[string]store.Listing) (after map[string]store.Listing, refusal *gate.Refusal) {
	own, counted := known[l.own]
	whole := known[l.image]
	if !counted {
		if whole, refusal = next(whole, l.whole); refusal != nil {
			return map[string]store.Listing{l.image: whole}, refusal
		}
		own, _ = next(own, l.kept)
		return map[string]store.Listing{l.own: own, l.image: whole}, nil
	}
	if own, refusal = next(own, l.kept); refusal != nil {
		return map[string]store.Listing{l.own: own}, refusal
	}
	return map[string]store.Listing{l.own: own, l.image: believed(whole, l.whole)}, nil
}

// next is gate.Listing.Next for what the ledger remembers.
func next(stored store.Listing, scan gate.Scan) (store.Listing, *gate.Refusal) {
	before := gate.Listing{
		Complete: gate.Scan(stored.Complete), Suspect: gate.Scan(stored.Suspect),
		Since: stored.Since, Agreed: stored.Agreed,
	}
	after, refusal := before.Next(scan)
	stored.Complete, stored.Suspect = store.Scan(after.Complete), store.Scan(after.Suspect)
	stored.Since, stored.Agreed = after.Since, after.Agreed
	return stored, refusal
}

// believed returns what is remembered once a scan is believed.
func believed(stored store.Listing, scan gate.Scan) store.Listing {
	stored.Complete, stored.Suspect = store.Scan(scan), store.Scan{}
	stored.Since, stored.Agreed = time.Time{}, 0
	return stored
}
