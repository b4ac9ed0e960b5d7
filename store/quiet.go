package store

import (
	"context"
	"encoding/json"
	"time"
)

// Quiet is the table of reasons why there was nothing to do, by keys that the
// caller makes.
type Quiet struct{ db *database }

// Of returns the value that Put stored for a key, or nil. It writes nothing.
func (t Quiet) Of(ctx context.Context, key string) (json.RawMessage, error) {
	var found json.RawMessage
	if !t.db.reads() {
		return nil, nil
	}
	err := t.db.read(ctx, "read how the last run ended", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var body string
			err := row(&body)
			found = json.RawMessage(body)
			return err
		}, "SELECT body FROM pinsetter_quiet WHERE lane = $1", hash(key))
	})
	return found, err
}

// Put records under a key that there was nothing to do, and why; nil
// deletes the record. The ledger doesn't interpret the JSON. Pass only changed
// ones.
func (t Quiet) Put(ctx context.Context, at time.Time, key string, body json.RawMessage) error {
	if !t.db.writes() {
		return nil
	}
	return t.db.write(ctx, "record that there was nothing to do", func(ctx context.Context, q querier) error {
		if body == nil {
			_, err := q.exec(ctx, "DELETE FROM pinsetter_quiet WHERE lane = $1", hash(key))
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO pinsetter_quiet (lane, put_at, body) VALUES ($1, $2, $3)
			ON CONFLICT (lane) DO UPDATE SET put_at = excluded.put_at, body = excluded.body`, hash(key), micros(at), string(body))
		return err
	})
}
