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

// key is how both are stored: no tag has a colon or a slash, so it is one to one.
func (t Tag) key() string { return plain(t.Image + ":" + t.Tag) }

func (t Tag) compare(u Tag) int {
	return cmp.Or(strings.Compare(t.Image, u.Image), strings.Compare(t.Tag, u.Tag))
}

// Observation is that a registry lists a tag now, and the digest that it was
// asked for, if it was.
type Observation struct {
	Tag    Tag
	Digest string // "" where it wasn't asked for
}

// Sight is what is known about a tag. It exists for tags that were listed once.
type Sight struct {
	First       time.Time // when the tag was first listed
	Digest      string    // the one observed last, "" where none ever was
	DigestSince time.Time // when Digest was observed first, in an unbroken row
	DigestRead  time.Time // when Digest was observed last, to the hour: it may have been so since
	Previous    string    // the digest before that one, "" where it never changed
}

// Since returns since when the tag has been seen as it is now: its first
// sight, or later, where that is when its present digest was first observed. A
// cooldown counts from here, so a tag that was moved begins again, and one
// whose digest nobody read at first sight isn't trusted back to then.
func (s Sight) Since() time.Time {
	if s.DigestSince.After(s.First) {
		return s.DigestSince
	}
	return s.First
}

// earliest is before all that this program can have seen. A machine without a
// battery begins in 1970, and what it sees then would be old at once when its
// clock is set.
var earliest = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// How often it is written down that nothing changed, so that a warm ledger is
// hardly written to.
const (
	listedAgain = 7 * 24 * time.Hour // that a tag is still listed
	readAgain   = time.Hour          // that it still has its digest
)

// Seen returns what is known about tags. Those that were never seen are missing
// in the result. It writes nothing.
func (l *Ledger) Seen(ctx context.Context, tags []Tag) (map[Tag]Sight, error) {
	rows, err := l.sightings(ctx, tags)
	if err != nil {
		return nil, err
	}
	known := make(map[Tag]Sight, len(rows))
	for tag, row := range rows {
		known[tag] = row.sight
	}
	return known, nil
}

// See records that tags are listed at the given time and returns what is known
// about each then. The first sight of a tag is never changed by a later one,
// whatever the clock says; of several processes that see a tag at once, the
// earliest counts. A digest that differs from the one observed last makes
// [Sight.Previous] of that. It happens now, or, where the clock went back, no
// earlier than the last change.
//
// A tag given twice counts once, with the last digest given. Where the ledger
// doesn't write, the result is what it would be.
//
// A time before the year 2000 is an error: the clock isn't set.
//
// Memory stays bounded where callers give accepted tags that rank above some
// written one, and the written ones, rather than all that are listed.
func (l *Ledger) See(ctx context.Context, at time.Time, seen []Observation) (map[Tag]Sight, error) {
	if at.Before(earliest) {
		return nil, fmt.Errorf("record sightings in %s: the clock says %s: set it", l.dsn, at.UTC().Format(time.DateOnly))
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
	rows, err := l.sightings(ctx, tags)
	if err != nil {
		return nil, err
	}
	news := newsOf(at, tags, digests, rows)
	if news.none() {
		return sights(at, tags, digests, rows), nil
	}
	if l.writes() {
		if err := l.write(ctx, "record sightings", news.record); err != nil {
			return nil, err
		}
		changed, err := l.sightings(ctx, news.tags)
		if err != nil {
			return nil, err
		}
		for tag, row := range changed {
			rows[tag] = row
		}
	}
	return sights(at, tags, digests, rows), nil
}

// sights returns what is known about each tag, and what would be known had the
// observation been recorded.
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
