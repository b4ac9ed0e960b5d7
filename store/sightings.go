package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tag is a tag of an image. Image is the canonical name of its repository, such
// as "index.docker.io/library/alpine".
type Tag struct {
	Image string
	Tag   string
}

// key returns the stored form. No tag has a colon or a slash, so it is unique.
func (t Tag) key() string { return plain(t.Image + ":" + t.Tag) }

func (t Tag) compare(u Tag) int {
	return cmp.Or(strings.Compare(t.Image, u.Image), strings.Compare(t.Tag, u.Tag))
}

// Observation says that a registry lists a tag now, and gives its digest if
// that was asked for.
type Observation struct {
	Tag    Tag
	Digest string // "" if it wasn't asked for
}

// Sight is what is known about a tag that was listed at least once.
type Sight struct {
	First       time.Time // when the tag was first listed
	Digest      string    // the last observed one, "" if there was none
	DigestSince time.Time // start of the unbroken series of observations of Digest
	DigestRead  time.Time // last recorded observation of Digest; later ones within an hour are not recorded
	Previous    string    // the digest before, "" if it never changed
}

// Since returns the time since which the tag is known to be as it is now: its
// first sight, or the first observation of its present digest if that is later.
// Cooldowns count from here. So a moved tag starts again, and a tag whose
// digest wasn't read at first sight isn't trusted back to then.
func (s Sight) Since() time.Time {
	if s.DigestSince.After(s.First) {
		return s.DigestSince
	}
	return s.First
}

// earliest is before anything that this program can have seen. A machine
// without a battery starts in 1970; tags that it sees then would be old as soon
// as its clock is set.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Intervals of recording that nothing changed, so that a warm ledger is rarely
// written to.
const (
	listedAgain = 7 * 24 * time.Hour // that a tag is still listed
	readAgain   = time.Hour          // that a tag still has its digest
)

// Sights is the table of tags that registries listed, and of their digests.
type Sights struct{ db *database }

// Seen returns what is known about tags. Tags that were never seen are missing
// from the result. It writes nothing.
func (t Sights) Seen(ctx context.Context, tags []Tag) (map[Tag]Sight, error) {
	rows, err := t.rows(ctx, tags)
	if err != nil {
		return nil, err
	}
	known := make(map[Tag]Sight, len(rows))
	for tag, row := range rows {
		known[tag] = row.sight
	}
	return known, nil
}

// See records that tags are listed at the given time, and returns what is then
// known about each. A later sight never changes the first one, whatever the
// clock says; of several processes that see a tag at once, the earliest counts.
// If a digest differs from the last observed one, that becomes
// [Sight.Previous], at the given time or, if the clock was set back, at that of
// the last change.
//
// If a tag is given twice, its last digest counts. On a read-only ledger the
// result is the same as if See had recorded.
//
// A time before the year 2000 is an error, since the clock isn't set.
//
// To bound memory, pass only written tags and accepted tags above a written
// one, not all listed tags.
func (t Sights) See(ctx context.Context, at time.Time, seen []Observation) (map[Tag]Sight, error) {
	if at.Before(earliest) {
		return nil, fmt.Errorf("record sightings in %s: the clock says %s: set it", t.db.dsn, at.UTC().Format(time.DateOnly))
	}
	digests := make(map[Tag]string, len(seen))
	tags := make([]Tag, 0, len(seen))
	for _, o := range seen {
		if digest, twice := digests[o.Tag]; !twice {
			tags = append(tags, o.Tag)
		} else if o.Digest == "" {
			o.Digest = digest
		}
		digests[o.Tag] = o.Digest
	}
	slices.SortFunc(tags, Tag.compare)
	rows, err := t.rows(ctx, tags)
	if err != nil {
		return nil, err
	}
	news := newsOf(at, tags, digests, rows)
	if news.none() {
		return sights(at, tags, digests, rows), nil
	}
	if t.db.writes() {
		if err := t.db.write(ctx, "record sightings", news.record); err != nil {
			return nil, err
		}
		changed, err := t.rows(ctx, news.tags)
		if err != nil {
			return nil, err
		}
		for tag, row := range changed {
			rows[tag] = row
		}
	}
	return sights(at, tags, digests, rows), nil
}

// sights returns what is known about each tag once the observation is recorded.
func sights(at time.Time, tags []Tag, digests map[Tag]string, rows map[Tag]sighting) map[Tag]Sight {
	known := make(map[Tag]Sight, len(tags))
	for _, tag := range tags {
		sight := rows[tag].sight
		if _, ok := rows[tag]; !ok {
			sight.First = moment(micros(at))
		}
		digest, now := digests[tag], moment(micros(at))
		if digest != "" && digest != sight.Digest {
			sight.Previous, sight.Digest = sight.Digest, digest
			sight.DigestRead = now
			if now.After(sight.DigestSince) {
				sight.DigestSince = now
			}
		}
		if digest != "" && now.Sub(sight.DigestRead) >= readAgain {
			sight.DigestRead = now
		}
		known[tag] = sight
	}
	return known
}
