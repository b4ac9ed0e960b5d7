package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Wakes is the table of webhooks that one process accepted for another.
type Wakes struct{ db *database }

// Put leaves a message for the processes that lead by these names (see
// [Ledger.Lead]): look at these objects. A message that is already there and
// wasn't taken yet isn't doubled. Put does nothing if there is no state to
// write to.
func (t Wakes) Put(ctx context.Context, at time.Time, names []string, objects []pinsetter.Object) error {
	if !t.db.writes() || len(names) == 0 || len(objects) == 0 {
		return nil
	}
	var rows [][]any
	for _, name := range slices.Sorted(slices.Values(names)) { // sorted, so that processes don't deadlock
		for _, o := range slices.SortedFunc(slices.Values(objects), byKind) {
			rows = append(rows, []any{name, quoted(o.Kind), quoted(o.Namespace), quoted(o.Name), micros(at)})
		}
	}
	return t.db.write(ctx, "leave word of a webhook", func(ctx context.Context, q querier) error {
		for _, row := range rows {
			if _, err := q.exec(ctx, `INSERT INTO pinsetter_wake (lead, kind, namespace, name, put_at) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (lead, kind, namespace, name) DO UPDATE SET put_at = excluded.put_at`, row...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Take returns the objects in the messages for the process that leads by name,
// sorted, and deletes the messages. APIVersion is empty. It costs one query if
// there are none. If it fails, it returns the objects whose messages may be
// deleted already.
func (t Wakes) Take(ctx context.Context, name string) ([]pinsetter.Object, error) {
	if !t.db.writes() {
		return nil, nil
	}
	waiting := 0
	err := t.db.read(ctx, "look for webhooks of other processes", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error { return row(&waiting) },
			"SELECT count(*) FROM pinsetter_wake WHERE lead = $1", name)
	})
	if err != nil || waiting == 0 {
		return nil, err
	}
	var taken []pinsetter.Object // over all attempts: one may have deleted them, and its answer got lost
	err = t.db.write(ctx, "take webhooks of other processes", func(ctx context.Context, q querier) error {
		return q.query(ctx, func(row func(...any) error) error {
			var o pinsetter.Object
			if err := row(&o.Kind, &o.Namespace, &o.Name); err != nil {
				return err
			}
			o.Kind, o.Namespace, o.Name = unquoted(o.Kind), unquoted(o.Namespace), unquoted(o.Name)
			taken = append(taken, o)
			return nil
		}, "DELETE FROM pinsetter_wake WHERE lead = $1 RETURNING kind, namespace, name", name)
	})
	slices.SortFunc(taken, byKind)
	return slices.Compact(taken), err
}

func byKind(a, b pinsetter.Object) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
