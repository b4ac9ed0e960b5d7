package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Proof returns what was found out about who signed a digest, by a rule that trusts
// what trust identifies; not known if nothing is stored.
func (l *Ledger) Proof(ctx context.Context, digest, trust string) (found pinsetter.Signature, known bool, err error) {
	if !l.reads() {
		return found, false, nil
	}
	err = l.read(ctx, "read signatures", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var body string
			if err := row(&body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &found); err != nil {
				return damaged("signatures of "+digest, err)
			}
			known = true
			return nil
		}, `SELECT body FROM pinsetter_proof WHERE digest = $1 AND trust = $2`, plain(digest), plain(trust))
	})
	return found, known, err
}

// PutProof stores what Proof returns.
func (l *Ledger) PutProof(ctx context.Context, at time.Time, digest, trust string, found pinsetter.Signature) error {
	if !l.writes() {
		return nil
	}
	body, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("record signatures of %s: %w", digest, err)
	}
	return l.write(ctx, "record signatures", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, `INSERT INTO pinsetter_proof (digest, trust, put_at, body) VALUES ($1, $2, CAST($3 AS BIGINT), $4)
			ON CONFLICT (digest, trust) DO UPDATE SET put_at = excluded.put_at, body = excluded.body`,
			plain(digest), plain(trust), micros(at), string(body))
		return err
	})
}
