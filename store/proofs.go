package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
)

// ProofKey names a digest and the rule that judged it.
type ProofKey struct{ Digest, Trust string }

// Proof is a judgement of who signed a digest, and its time.
type Proof struct {
	pinsetter.Signature
	At time.Time
}

// Proofs is the table of judgements of signatures.
type Proofs struct{ db *database }

// Of returns the proofs of digests, each by the rule of its key. Keys that were
// never judged are missing from the result.
func (t Proofs) Of(ctx context.Context, keys []ProofKey) (map[ProofKey]Proof, error) {
	found := map[ProofKey]Proof{}
	if !t.db.reads() || len(keys) == 0 {
		return found, nil
	}
	rows := make([][2]string, len(keys))
	for i, key := range keys {
		rows[i] = [2]string{plain(key.Digest), plain(key.Trust)}
	}
	err := t.db.read(ctx, "read signatures", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var key ProofKey
			var at int64
			var body string
			if err := row(&key.Digest, &key.Trust, &at, &body); err != nil {
				return err
			}
			proof := Proof{At: moment(at)}
			if err := json.Unmarshal([]byte(body), &proof.Signature); err != nil {
				return damaged("signatures of "+key.Digest, err)
			}
			found[key] = proof
			return nil
		}, `SELECT s.digest, s.trust, s.put_at, s.body FROM ROWS($1) CROSS JOIN pinsetter_proof s
			WHERE s.digest = j.value->>0 AND s.trust = j.value->>1`, list(rows))
	})
	return found, err
}

// Put stores the judgement of one digest by one rule. It replaces an older one.
func (t Proofs) Put(ctx context.Context, at time.Time, digest, trust string, found pinsetter.Signature) error {
	if !t.db.writes() {
		return nil
	}
	body, err := json.Marshal(found)
	if err != nil {
		return fmt.Errorf("record signatures of %s: %w", digest, err)
	}
	return t.db.write(ctx, "record signatures", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, `INSERT INTO pinsetter_proof (digest, trust, put_at, body) VALUES ($1, $2, CAST($3 AS BIGINT), $4)
			ON CONFLICT (digest, trust) DO UPDATE SET put_at = excluded.put_at, body = excluded.body`,
			plain(digest), plain(trust), micros(at), string(body))
		return err
	})
}
