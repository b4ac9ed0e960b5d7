package store

import (
	"context"
	"time"
)

// pruneAfter is the interval of pruning.
const pruneAfter = 24 * time.Hour

// everything is more than the possible number of rows: SQLite has no OFFSET
// without LIMIT, and PostgreSQL no LIMIT below zero.
const everything = "9223372036854775807"

// Prune deletes data that is older than [Options] allow: runs, tags that are no
// longer listed, sites that are no longer found, facts, proofs. It does so once a day,
// and costs one query otherwise, so call it in each run.
//
// If there are too many tags, Prune first deletes those not listed for the
// longest time; of those still listed, the ones first seen last. So flooding a
// repository with tags shortens nobody's cooldown.
func (l *Ledger) Prune(ctx context.Context, at time.Time) error {
	if !l.db.writes() {
		return nil
	}
	due := false
	err := l.db.read(ctx, "read when it was pruned", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var last int64
			err := row(&last)
			due = at.Sub(moment(last)).Abs() >= pruneAfter
			return err
		}, "SELECT pruned FROM pinsetter_schema")
	})
	if err != nil || !due {
		return err
	}
	return l.db.write(ctx, "prune state", func(ctx context.Context, q querier) error {
		oldest := micros(at.Add(-l.db.options.Keep))
		for _, step := range []struct {
			statement string
			args      []any
		}{
			{"UPDATE pinsetter_schema SET pruned = $1", []any{micros(at)}}, // other processes wait here
			{"DELETE FROM pinsetter_sighting WHERE listed < $1", []any{oldest}},
			{`DELETE FROM pinsetter_sighting WHERE image_tag IN (SELECT image_tag FROM pinsetter_sighting
				ORDER BY listed DESC, first_seen, image_tag LIMIT ` + everything + ` OFFSET $1)`, []any{l.db.options.Sightings}},
			{"DELETE FROM pinsetter_digest WHERE image_tag NOT IN (SELECT image_tag FROM pinsetter_sighting)", nil},
			{"DELETE FROM pinsetter_listing WHERE put_at < $1", []any{oldest}},
			{"DELETE FROM pinsetter_fact WHERE learnt < $1", []any{oldest}},
			{"DELETE FROM pinsetter_proof WHERE put_at < $1", []any{oldest}},
			{"DELETE FROM pinsetter_written WHERE met_at < $1", []any{oldest}},
			{"DELETE FROM pinsetter_wake WHERE put_at < $1", []any{oldest}},
			{"DELETE FROM pinsetter_quiet WHERE put_at < $1", []any{oldest}},
			{"DELETE FROM pinsetter_proposal WHERE put_at < $1", []any{oldest}},
			{"DELETE FROM pinsetter_run WHERE at < $1", []any{oldest}},
			{`DELETE FROM pinsetter_run WHERE id IN (SELECT id FROM pinsetter_run
				ORDER BY at DESC, id LIMIT ` + everything + ` OFFSET $1)`, []any{l.db.options.Runs}},
			{"DELETE FROM pinsetter_run_policy WHERE run NOT IN (SELECT id FROM pinsetter_run)", nil},
		} {
			if _, err := q.exec(ctx, step.statement, step.args...); err != nil {
				return err
			}
		}
		return nil
	})
}
