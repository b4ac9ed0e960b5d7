package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Move gives the old and the new name of a repository. Names have had ports
// since schema 5.
type Move struct {
	From, To    string
	Automations []string            // "namespace/name", of the repository now called To
	Quiet       map[string][]string // keys in [Quiet], with the keys that they may have been before
}

// Move copies everything known about repositories from their former names to
// their present ones, in one transaction, and only once: later data under a
// former name belongs to another repository. Reverts and pull requests may hold
// a write back, and a former name doesn't say which port it is about. So every
// repository gets a copy of them, and keeps what it already has. Runs move with
// their automations.
//
// Moving again does nothing, and costs one query. Several processes may move at
// once, each for its own objects.
func (l *Ledger) Move(ctx context.Context, moves []Move) error {
	if !l.db.writes() || len(moves) == 0 {
		return nil
	}
	due, err := l.due(ctx, moves)
	if err != nil || len(due) == 0 {
		return err
	}
	slices.SortFunc(due, func(a, b Move) int { return strings.Compare(a.To, b.To) }) // so that processes don't deadlock
	return l.db.write(ctx, "move what is known of repositories", func(ctx context.Context, q querier) error {
		for _, m := range due {
			if err := m.apply(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// due returns the moves that aren't complete.
func (l *Ledger) due(ctx context.Context, moves []Move) ([]Move, error) {
	var marks []string
	for _, m := range moves {
		marks = append(marks, m.marks()...)
	}
	var due []Move
	err := l.db.read(ctx, "read which repositories have moved", func(ctx context.Context, q querier) error {
		moved := map[string]bool{}
		err := q.query(ctx, func(row func(...any) error) error {
			var mark string
			err := row(&mark)
			moved[mark] = true
			return err
		}, "SELECT m.name FROM TEXTS($1) JOIN pinsetter_moved m ON m.name = j.value", list(marks))
		due = slices.DeleteFunc(slices.Clone(moves), func(m Move) bool {
			return !slices.ContainsFunc(m.marks(), func(mark string) bool { return !moved[mark] })
		})
		return err
	})
	return due, err
}

// Marks of completed moves: for a repository, for an automation's runs, and for
// a key in Quiet.
func (m Move) mark() string                    { return quoted(m.To) }
func (m Move) markOf(automation string) string { return hash(m.To + "\n" + automation) }
func (m Move) markOfQuiet(key string) string   { return hash(key) }

func (m Move) marks() []string {
	marks := []string{m.mark()}
	for _, name := range m.Automations {
		marks = append(marks, m.markOf(name))
	}
	for key := range m.Quiet {
		marks = append(marks, m.markOfQuiet(key))
	}
	return marks
}

// apply makes the moves that aren't marked yet, and marks them.
func (m Move) apply(ctx context.Context, q querier) error {
	if err := once(ctx, q, m.mark(), m.copyRows); err != nil {
		return err
	}
	for _, name := range slices.Sorted(slices.Values(m.Automations)) {
		err := once(ctx, q, m.markOf(name), func(ctx context.Context, q querier) error { return m.moveRuns(ctx, q, name) })
		if err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Quiet)) {
		err := once(ctx, q, m.markOfQuiet(key), func(ctx context.Context, q querier) error { return m.copyQuiet(ctx, q, key) })
		if err != nil {
			return err
		}
	}
	return nil
}

// once calls f and sets a mark, unless the mark is set. It waits for a process
// that is setting the mark.
func once(ctx context.Context, q querier, mark string, f func(context.Context, querier) error) error {
	made, err := q.exec(ctx, "INSERT INTO pinsetter_moved (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", mark)
	if err != nil || made == 0 {
		return err
	}
	return f(ctx, q)
}

// copyRows copies the written values and proposals.
func (m Move) copyRows(ctx context.Context, q querier) error {
	for _, statement := range []string{
		`INSERT INTO pinsetter_written (repository, branch, path, object, policy, name, tag, digest,
				written_at, commit_id, shown_name, shown_tag, shown_digest, shown_at, met_at, naming)
			SELECT CAST($2 AS TEXT), branch, path, object, policy, name, tag, digest,
				written_at, commit_id, shown_name, shown_tag, shown_digest, shown_at, met_at, 1
			FROM pinsetter_written WHERE repository = $1 AND naming = 0
			ON CONFLICT (repository, branch, path, object, policy) DO NOTHING`,
		`INSERT INTO pinsetter_proposal (repository, automation, branch, put_at, body, naming)
			SELECT CAST($2 AS TEXT), automation, branch, put_at, body, 1
			FROM pinsetter_proposal WHERE repository = $1 AND naming = 0
			ON CONFLICT (repository, automation, branch) DO NOTHING`,
	} {
		if _, err := q.exec(ctx, statement, quoted(m.From), quoted(m.To)); err != nil {
			return err
		}
	}
	return nil
}

// copyQuiet copies the entry of the first former key that has one.
func (m Move) copyQuiet(ctx context.Context, q querier, key string) error {
	for _, former := range m.Quiet[key] {
		_, err := q.exec(ctx, `INSERT INTO pinsetter_quiet (lane, put_at, body)
			SELECT CAST($2 AS TEXT), put_at, body FROM pinsetter_quiet WHERE lane = $1
			ON CONFLICT (lane) DO NOTHING`, hash(former), hash(key))
		if err != nil {
			return err
		}
	}
	return nil
}

// moveRuns renames the repository in an automation's runs.
func (m Move) moveRuns(ctx context.Context, q querier, automation string) error {
	bodies := map[string]string{} // by id
	err := q.query(ctx, func(row func(...any) error) error {
		var id, body string
		err := row(&id, &body)
		bodies[id] = body
		return err
	}, "SELECT id, body FROM pinsetter_run WHERE automation = $1 AND repository = $2", plain(automation), plain(m.From))
	if err != nil {
		return err
	}
	for id, body := range bodies {
		var run Run
		if err := json.Unmarshal([]byte(body), &run); err != nil {
			return damaged("a run", err)
		}
		run.Repository = m.To
		outcome, err := run.outcome()
		if err != nil {
			return err
		}
		moved, err := json.Marshal(run)
		if err != nil {
			return fmt.Errorf("encode run of %s: %w", run.Automation, err)
		}
		_, err = q.exec(ctx, "UPDATE pinsetter_run SET repository = $1, outcome = $2, body = $3 WHERE id = $4",
			plain(run.Repository), outcome, string(moved), id)
		if err != nil {
			return err
		}
	}
	return nil
}
