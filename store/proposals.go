package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Proposals is the table of automations' pull requests.
type Proposals struct{ db *database }

// Of returns the pull requests of an automation, by branch, as stored by
// Put. It writes nothing.
func (t Proposals) Of(ctx context.Context, repository, automation string) (map[string]json.RawMessage, error) {
	found := map[string]json.RawMessage{}
	if !t.db.reads() {
		return found, nil
	}
	err := t.db.read(ctx, "read pull requests", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var branch, body string
			if err := row(&branch, &body); err != nil {
				return err
			}
			found[unquoted(branch)] = json.RawMessage(body)
			return nil
		}, "SELECT branch, body FROM pinsetter_proposal WHERE repository = $1 AND automation = $2", quoted(repository), quoted(automation))
	})
	return found, err
}

// Put stores some of an automation's pull requests, by branch; nil
// deletes one. The ledger doesn't interpret the JSON. Pass only changed ones.
func (t Proposals) Put(ctx context.Context, at time.Time, repository, automation string, proposals map[string]json.RawMessage) error {
	if !t.db.writes() || len(proposals) == 0 {
		return nil
	}
	return t.db.write(ctx, "record pull requests", func(ctx context.Context, q querier) error {
		for _, branch := range slices.Sorted(maps.Keys(proposals)) {
			key := []any{quoted(repository), quoted(automation), quoted(branch)}
			var err error
			if body := proposals[branch]; body == nil {
				_, err = q.exec(ctx, "DELETE FROM pinsetter_proposal WHERE repository = $1 AND automation = $2 AND branch = $3", key...)
			} else {
				_, err = q.exec(ctx, `INSERT INTO pinsetter_proposal (repository, automation, branch, put_at, body, naming)
					VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (repository, automation, branch) DO UPDATE
					SET put_at = excluded.put_at, body = excluded.body, naming = 1`, append(key, micros(at), string(body))...)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
