package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Listing is the history of an image's tag lists, for the rule that a list
// which shrank too much isn't believed at once. The caller judges; the ledger
// only stores it.
type Listing struct {
	Complete Scan      `json:"complete"` // the last list that was believed
	Suspect  Scan      `json:"suspect"`  // the list that isn't believed yet; zero if there is none
	Since    time.Time `json:"since"`    // time of the first list that agrees with Suspect
	Agreed   int       `json:"agreed"`   // number of later scans that agreed with Suspect

	version int64     // of the row, so that an outdated Listing replaces nothing
	put     time.Time // time when the row was written
	was     *Listing  // the listing in the row; nil: there is no row
}

// putAgain is the interval of recording that an image was listed again without
// a change.
const putAgain = 24 * time.Hour

// Scan is one list of tags.
type Scan struct {
	At    time.Time `json:"at"`
	Count int       `json:"count"`
	Hash  string    `json:"hash"` // of the sorted list; the caller computes it
}

// Listings is the table of how an image's tag lists changed.
type Listings struct{ db *database }

// Of returns the Listings of images, by canonical name. Images without
// one are missing from the result.
func (t Listings) Of(ctx context.Context, images []string) (map[string]Listing, error) {
	found := make(map[string]Listing, len(images))
	if !t.db.reads() || len(images) == 0 {
		return found, nil
	}
	err := t.db.read(ctx, "read listings", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var image, body string
			var put int64
			var listing Listing
			if err := row(&image, &listing.version, &put, &body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &listing); err != nil {
				return damaged("listing of "+image, err)
			}
			was := listing
			listing.put, listing.was = moment(put), &was
			found[image] = listing
			return nil
		}, `SELECT s.image, s.version, s.put_at, s.body
			FROM TEXTS($1) CROSS JOIN pinsetter_listing s WHERE s.image = j.value`, list(unique(images)))
	})
	return found, err
}

// Outdated reports whether Put has anything to record at that time.
func (l Listing) Outdated(at time.Time) bool { return !l.unchanged() || at.Sub(l.put) >= putAgain }

// unchanged reports whether the listing says what its row says. The time of the
// last confirmation doesn't count.
func (l Listing) unchanged() bool {
	was := l.was
	return was != nil && l.Complete.Count == was.Complete.Count && l.Complete.Hash == was.Complete.Hash &&
		l.Suspect.equal(was.Suspect) && l.Since.Equal(was.Since) && l.Agreed == was.Agreed
}

func (s Scan) equal(other Scan) bool {
	return s.At.Equal(other.At) && s.Count == other.Count && s.Hash == other.Hash
}

// utc returns the listing with its times as the database returns them.
func (l Listing) utc() Listing {
	l.Complete.At, l.Suspect.At, l.Since = l.Complete.At.UTC(), l.Suspect.At.UTC(), l.Since.UTC()
	return l
}

// Put stores the Listings of images. Modify those that Of returned, or create new
// ones for missing images. Pass all images that were listed in a cycle: if only
// Complete.At changed, that is recorded once a day. If another process has
// replaced a Listing meanwhile, that one stays, and the next cycle judges again.
func (t Listings) Put(ctx context.Context, at time.Time, listings map[string]Listing) error {
	var images []string
	for image, listing := range listings {
		if listing.Outdated(at) {
			images = append(images, image)
		}
	}
	if !t.db.writes() || len(images) == 0 {
		return nil
	}
	slices.Sort(images) // so that processes don't deadlock
	return t.db.write(ctx, "record listings", func(ctx context.Context, q querier) error {
		for some := range slices.Chunk(images, listingsAtOnce) {
			if err := putListings(ctx, q, at, some, listings); err != nil {
				return err
			}
		}
		return nil
	})
}

// listingsAtOnce bounds the rows of one statement, which the database and this
// program hold several times.
const listingsAtOnce = 1000

func putListings(ctx context.Context, q querier, at time.Time, images []string, listings map[string]Listing) error {
	rows := make([][3]any, 0, len(images))
	for _, image := range images {
		listing := listings[image]
		body, err := json.Marshal(listing.utc())
		if err != nil {
			return fmt.Errorf("record listing of %s: %w", image, err)
		}
		rows = append(rows, [3]any{plain(image), listing.version + 1, string(body)})
	}
	_, err := q.exec(ctx, `INSERT INTO pinsetter_listing (image, version, put_at, body)
		SELECT j.value->>0, CAST(j.value->>1 AS BIGINT), CAST($2 AS BIGINT), j.value->>2 FROM ROWS($1) WHERE true
		ON CONFLICT (image) DO UPDATE
		SET version = excluded.version, put_at = excluded.put_at, body = excluded.body
		WHERE pinsetter_listing.version = excluded.version - 1`, list(rows), micros(at))
	return err
}

// damaged returns the error for an unreadable row in a readable database.
func damaged(what string, err error) error {
	return &fault{kind: ErrCorrupt, cause: fmt.Sprintf("%s: %v", what, err),
		way: "restore the database from a backup, or begin anew with an empty one"}
}

// unique returns the strings in their stored form, sorted, without duplicates.
func unique(values []string) []string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = plain(value)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
