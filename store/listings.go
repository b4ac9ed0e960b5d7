package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Listing is what is remembered of an image's tag lists, for the rule that a
// list which shrank too far isn't believed at once. The ledger keeps it and
// doesn't judge.
type Listing struct {
	Complete Scan      `json:"complete"` // the last list that was believed
	Suspect  Scan      `json:"suspect"`  // the list that isn't yet; zero where there is none
	Since    time.Time `json:"since"`    // since when Suspect, or one that agrees with it, is given
	Agreed   int       `json:"agreed"`   // how many later scans agreed with Suspect

	version int64     // of the row that was read, so that a stale one replaces nothing
	put     time.Time // when that was written
	body    string    // what it says, but for Complete.At
}

// putAgain is how often "listed again, and nothing changed" is written down.
const putAgain = 24 * time.Hour

// Scan is one list of tags.
type Scan struct {
	At    time.Time `json:"at"`
	Count int       `json:"count"`
	Hash  string    `json:"hash"` // of the sorted list, as the caller computes it
}

// Listings returns what is remembered of images, by canonical name. An image
// that is not in the result was never listed.
func (l *Ledger) Listings(ctx context.Context, images []string) (map[string]Listing, error) {
	found := make(map[string]Listing, len(images))
	if !l.reads() || len(images) == 0 {
		return found, nil
	}
	err := l.read(ctx, "read listings", func(ctx context.Context, q querier) error {
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
			listing.put, listing.body = moment(put), listing.says()
			found[image] = listing
			return nil
		}, `SELECT s.image, s.version, s.put_at, s.body
			FROM TEXTS($1) CROSS JOIN pinsetter_listing s WHERE s.image = j.value`, list(unique(images)))
	})
	return found, err
}

// says returns what is remembered, but for when it was last found to be so.
func (l Listing) says() string {
	l.Complete.At = time.Time{}
	data, _ := json.Marshal(l.utc())
	return string(data)
}

// utc returns the listing with the times that it is stored with.
func (l Listing) utc() Listing {
	l.Complete.At, l.Suspect.At, l.Since = l.Complete.At.UTC(), l.Suspect.At.UTC(), l.Since.UTC()
	return l
}

// PutListings replaces what is remembered of images. Change what [Ledger.Listings]
// returned and hand it back, or a new Listing for an image that it didn't
// return. Give all that were listed in a cycle: where nothing but Complete.At
// changed, that is written down once a day. Where another process has replaced
// an image's listing since it was read, that one stays: the next cycle judges
// anew.
func (l *Ledger) PutListings(ctx context.Context, at time.Time, listings map[string]Listing) error {
	rows := make([][3]any, 0, len(listings))
	for image, listing := range listings {
		if listing.says() == listing.body && at.Sub(listing.put) < putAgain {
			continue
		}
		body, err := json.Marshal(listing.utc())
		if err != nil {
			return fmt.Errorf("record listing of %s: %w", image, err)
		}
		rows = append(rows, [3]any{plain(image), listing.version + 1, string(body)})
	}
	if !l.writes() || len(rows) == 0 {
		return nil
	}
	slices.SortFunc(rows, func(a, b [3]any) int { return strings.Compare(a[0].(string), b[0].(string)) })
	return l.write(ctx, "record listings", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, `INSERT INTO pinsetter_listing (image, version, put_at, body)
			SELECT j.value->>0, CAST(j.value->>1 AS BIGINT), CAST($2 AS BIGINT), j.value->>2 FROM ROWS($1) WHERE true
			ON CONFLICT (image) DO UPDATE
			SET version = excluded.version, put_at = excluded.put_at, body = excluded.body
			WHERE pinsetter_listing.version = excluded.version - 1`, list(rows), micros(at))
		return err
	})
}

// damaged is the error of a row that can't be read though the database can.
func damaged(what string, err error) error {
	return &fault{kind: ErrCorrupt, cause: fmt.Sprintf("%s: %v", what, err),
		way: "restore the database from a backup, or begin anew with an empty one"}
}

// unique returns each string once, as it is stored, sorted.
func unique(values []string) []string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = plain(value)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
