package store

import (
	"context"
	"fmt"
	"time"
)

// sighting is a row: what is known about a tag, and when "still listed" was
// last recorded.
type sighting struct {
	sight  Sight
	listed time.Time
}

// rows returns the rows of tags.
func (t Sights) rows(ctx context.Context, tags []Tag) (map[Tag]sighting, error) {
	found := make(map[Tag]sighting, len(tags))
	if !t.db.reads() || len(tags) == 0 {
		return found, nil
	}
	byKey := make(map[string]Tag, len(tags))
	keys := make([]string, 0, len(tags))
	for _, tag := range tags {
		key := tag.key()
		if _, twice := byKey[key]; !twice {
			keys = append(keys, key)
		}
		byKey[key] = tag
	}
	err := t.db.read(ctx, "read sightings", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var key string
			var first, listed, since, read int64
			var s sighting
			if err := row(&key, &first, &listed, &s.sight.Digest, &since, &read, &s.sight.Previous); err != nil {
				return err
			}
			if first < earliest.UnixMicro() {
				return damaged("first sight of "+key, fmt.Errorf("%d is no time", first))
			}
			s.sight.First, s.listed = moment(first), moment(listed)
			s.sight.DigestSince, s.sight.DigestRead = moment(since), moment(read)
			found[byKey[key]] = s
			return nil
		}, `SELECT s.image_tag, s.first_seen, s.listed, s.digest, s.digest_since, s.digest_read, s.previous
			FROM TEXTS($1) CROSS JOIN pinsetter_sighting s WHERE s.image_tag = j.value`, list(keys))
	})
	return found, err
}

// news are the changes that a batch of observations makes to the ledger. Its
// lists are sorted by image and tag, so that processes with the same batch lock
// rows in the same order.
type news struct {
	at      time.Time
	tags    []Tag    // whose rows change
	first   []string // keys without a row
	digests [][2]string
	listed  []string // keys whose last "still listed" is old
	read    []string // keys whose digest was read again
}

func newsOf(at time.Time, tags []Tag, digests map[Tag]string, rows map[Tag]sighting) news {
	n := news{at: at}
	for _, tag := range tags {
		row, known := rows[tag]
		digest := plain(digests[tag])
		moved := digest != "" && digest != row.sight.Digest
		stale := known && at.Sub(row.listed) >= listedAgain
		if !known {
			n.first = append(n.first, tag.key())
		}
		if moved {
			n.digests = append(n.digests, [2]string{tag.key(), digest})
		}
		if stale {
			n.listed = append(n.listed, tag.key())
		}
		if read := digest != "" && !moved && at.Sub(row.sight.DigestRead) >= readAgain; read {
			n.read = append(n.read, tag.key())
		}
		if !known || moved {
			n.tags = append(n.tags, tag)
		}
	}
	return n
}

func (n news) none() bool { return len(n.first)+len(n.digests)+len(n.listed)+len(n.read) == 0 }

// record writes the changes in a transaction. It changes a row only if that
// still adds something, since another process may have been faster.
func (n news) record(ctx context.Context, q querier) error {
	at := micros(n.at)
	if len(n.first) > 0 {
		_, err := q.exec(ctx, `INSERT INTO pinsetter_sighting
			(image_tag, first_seen, listed, digest, digest_since, previous)
			SELECT j.value, CAST($2 AS BIGINT), CAST($2 AS BIGINT), '', 0, '' FROM TEXTS($1) WHERE true
			ON CONFLICT (image_tag) DO UPDATE SET first_seen = excluded.first_seen
			WHERE excluded.first_seen < pinsetter_sighting.first_seen`, list(n.first), at)
		if err != nil {
			return err
		}
	}
	if len(n.digests) > 0 {
		_, err := q.exec(ctx, `UPDATE pinsetter_sighting AS s SET previous = s.digest, digest = j.value->>1, digest_read = CAST($2 AS BIGINT),
			digest_since = CASE WHEN s.digest_since > CAST($2 AS BIGINT) THEN s.digest_since ELSE CAST($2 AS BIGINT) END
			FROM ROWS($1) WHERE s.image_tag = j.value->>0 AND s.digest <> j.value->>1`, list(n.digests), at)
		if err != nil {
			return err
		}
		if err := recordShowings(ctx, q, n.at, n.digests); err != nil {
			return err
		}
	}
	if len(n.listed) > 0 {
		_, err := q.exec(ctx, `UPDATE pinsetter_sighting AS s SET listed = CAST($2 AS BIGINT)
			FROM TEXTS($1) WHERE s.image_tag = j.value AND s.listed < CAST($2 AS BIGINT)`, list(n.listed), at)
		if err != nil {
			return err
		}
	}
	if len(n.read) > 0 {
		_, err := q.exec(ctx, `UPDATE pinsetter_sighting AS s SET digest_read = CAST($2 AS BIGINT)
			FROM TEXTS($1) WHERE s.image_tag = j.value AND s.digest_read < CAST($2 AS BIGINT)`, list(n.read), at)
		return err
	}
	return nil
}
