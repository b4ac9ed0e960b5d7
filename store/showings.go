package store

import (
	"context"
	"time"

	"github.com/pinsetter/pinsetter"
)

// maxShowings bounds the digests that are kept of one tag.
const maxShowings = 64

// Showings returns the digests that each tag had, the latest first and the
// present one included. Tags whose digest was never read are missing, and so
// are digests whose time of first sight no clock can have shown. It writes
// nothing.
//
// At most 64 digests of a tag are kept, fewer of older ones: for every age
// there is a digest that is at most half as old again.
func (t Sights) Showings(ctx context.Context, tags []Tag) (map[Tag][]pinsetter.Showing, error) {
	found := map[Tag][]pinsetter.Showing{}
	if !t.db.reads() || len(tags) == 0 {
		return found, nil
	}
	byKey := make(map[string]Tag, len(tags))
	keys := make([]string, 0, len(tags))
	for _, tag := range tags {
		byKey[tag.key()] = tag
		keys = append(keys, tag.key())
	}
	err := t.db.read(ctx, "read the digests of tags", func(ctx context.Context, q querier) error {
		clear(found)
		return q.query(ctx, func(row func(...any) error) error {
			var key string
			var s pinsetter.Showing
			var first, since int64
			if err := row(&key, &s.Digest, &first, &since); err != nil {
				return err
			}
			if first < earliest.UnixMicro() {
				return nil // it would have aged
			}
			s.First, s.Since = moment(first), moment(since)
			found[byKey[key]] = append(found[byKey[key]], s)
			return nil
		}, `SELECT s.image_tag, s.digest, s.first_seen, s.since
			FROM TEXTS($1) CROSS JOIN pinsetter_digest s WHERE s.image_tag = j.value
			ORDER BY s.image_tag, s.since DESC, s.digest`, list(unique(keys)))
	})
	return found, err
}

// recordShowings records that tags show their digests since they changed to
// them. Each element is a tag's key and its digest.
func recordShowings(ctx context.Context, q querier, at time.Time, changed [][2]string) error {
	_, err := q.exec(ctx, `INSERT INTO pinsetter_digest (image_tag, digest, first_seen, since)
		SELECT s.image_tag, s.digest, s.digest_since, s.digest_since FROM ROWS($1) CROSS JOIN pinsetter_sighting s
		WHERE s.image_tag = j.value->>0 AND s.digest = j.value->>1
		ON CONFLICT (image_tag, digest) DO UPDATE SET since = excluded.since
		WHERE excluded.since > pinsetter_digest.since`, list(changed))
	if err != nil {
		return err
	}
	var crowded []string
	err = q.query(ctx, func(row func(...any) error) error {
		var key string
		err := row(&key)
		crowded = append(crowded, key)
		return err
	}, `SELECT s.image_tag FROM ROWS($1) CROSS JOIN pinsetter_digest s WHERE s.image_tag = j.value->>0
		GROUP BY s.image_tag HAVING count(*) > CAST($2 AS BIGINT) ORDER BY s.image_tag`, list(changed), maxShowings)
	if err != nil {
		return err
	}
	for _, key := range crowded {
		if err := thin(ctx, q, at, key); err != nil {
			return err
		}
	}
	return nil
}

// kept is a recorded digest of a tag.
type kept struct {
	digest  string
	since   int64
	written bool // a site was written with it
}

// thin deletes digests of a tag until at most maxShowings are left.
func thin(ctx context.Context, q querier, at time.Time, key string) error {
	var all []kept
	err := q.query(ctx, func(row func(...any) error) error {
		var k kept
		var written int
		err := row(&k.digest, &k.since, &written)
		k.written = written > 0
		all = append(all, k)
		return err
	}, `SELECT s.digest, s.since, CASE WHEN EXISTS (SELECT 1 FROM pinsetter_written w
			WHERE w.digest = s.digest OR w.shown_digest = s.digest) THEN 1 ELSE 0 END
		FROM pinsetter_digest s WHERE s.image_tag = $1 ORDER BY s.since DESC, s.digest`, key)
	if err != nil {
		return err
	}
	var dropped []string
	for len(all) > maxShowings {
		i := densest(all, micros(at))
		dropped = append(dropped, all[i].digest)
		all = append(all[:i], all[i+1:]...)
	}
	_, err = q.exec(ctx, `DELETE FROM pinsetter_digest WHERE image_tag = $2
		AND digest IN (SELECT j.value FROM TEXTS($1))`, list(dropped), key)
	return err
}

// densest returns the index of the digest whose loss leaves the smallest gap in
// proportion to its age. So digests of every age remain, and a cooldown of any
// length finds one that is old enough. The first and the last stay. So does a
// digest that a site was written with, since it tells which others are older,
// unless there are no others.
func densest(all []kept, now int64) int {
	best, least := -1, 0.0
	for _, spare := range []bool{true, false} {
		for i := 1; i < len(all)-1; i++ {
			gap := float64(all[i-1].since-all[i+1].since) / float64(max(now-all[i+1].since, 1))
			if (!spare || !all[i].written) && (best < 0 || gap < least) {
				best, least = i, gap
			}
		}
		if best >= 0 {
			break
		}
	}
	return best
}
