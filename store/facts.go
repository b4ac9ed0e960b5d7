package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Fact describes the content under a digest. Content never changes, so a fact
// holds for every registry. Store one only if the content was complete and
// matched its digest: a zero field means that the content is known not to have
// it.
type Fact struct {
	Created   time.Time `json:"created"`   // zero if the image has no date
	Platforms []string  `json:"platforms"` // "os/arch[/variant]"; nil for artifacts that are no image

	// Builds are the images for these platforms; nil as Platforms is, and in
	// facts that an earlier version stored.
	Builds []pinsetter.Build `json:"builds"`

	// Source and Revision are what the image was built from, as its publisher claims.
	// They count if Sourced is set: an earlier version stored none.
	Sourced  bool   `json:"sourced,omitempty"`
	Source   string `json:"source,omitempty"`
	Revision string `json:"revision,omitempty"`
}

// Facts is the table of facts about content, by digest.
type Facts struct{ db *database }

// Of returns the known facts about digests. Unknown digests are missing from
// the result.
func (t Facts) Of(ctx context.Context, digests []string) (map[string]Fact, error) {
	found := make(map[string]Fact, len(digests))
	if !t.db.reads() || len(digests) == 0 {
		return found, nil
	}
	err := t.db.read(ctx, "read facts", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var digest, body string
			if err := row(&digest, &body); err != nil {
				return err
			}
			var fact Fact
			if err := json.Unmarshal([]byte(body), &fact); err != nil {
				return damaged("facts about "+digest, err)
			}
			found[digest] = fact
			return nil
		}, `SELECT s.digest, s.body
			FROM TEXTS($1) CROSS JOIN pinsetter_fact s WHERE s.digest = j.value`, list(unique(digests)))
	})
	return found, err
}

// Put stores facts by digest. They replace older ones.
func (t Facts) Put(ctx context.Context, at time.Time, facts map[string]Fact) error {
	if !t.db.writes() || len(facts) == 0 {
		return nil
	}
	rows := make([][2]string, 0, len(facts))
	for digest, fact := range facts {
		body, err := json.Marshal(fact)
		if err != nil {
			return fmt.Errorf("record facts about %s: %w", digest, err)
		}
		rows = append(rows, [2]string{plain(digest), string(body)})
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return t.db.write(ctx, "record facts", func(ctx context.Context, q querier) error {
		_, err := q.exec(ctx, `INSERT INTO pinsetter_fact (digest, learnt, body)
			SELECT j.value->>0, CAST($2 AS BIGINT), j.value->>1 FROM ROWS($1) WHERE true
			ON CONFLICT (digest) DO UPDATE SET learnt = excluded.learnt, body = excluded.body`, list(rows), micros(at))
		return err
	})
}
