package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Move says by which name a repository was known before names had ports, and by
// which it is now.
type Move struct {
	From, To    string
	Automations []string            // "namespace/name", of the repository now called To
	Quiet       map[string][]string // keys of PutQuiet, and which they may have been before
}

// Move takes what is known of repositories by their former names to those that
// they have now, all or nothing, and once for each name: what comes back to a
// former name later is another repository's. What somebody wrote, and which pull
// requests there are, may hold a write back, and the former name doesn't say which
// port it is about: every repository gets a copy, and what it knows itself stays.
// Runs go along with their automations.
//
// Moving again does nothing, and costs one query. Several processes may do it at
// once.
func (l *Ledger) Move(ctx context.Context, moves []Move) error {
	if !l.writes() || len(moves) == 0 {
		return nil
	}
	due, err := l.due(ctx, moves)
	if err != nil || len(due) == 0 {
		return err
	}
	slices.SortFunc(due, func(a, b Move) int { return strings.Compare(a.To, b.To) }) // so that processes don't wait for each other
	return l.write(ctx, "move what is known of repositories", func(ctx context.Context, q querier) error {
		for _, m := range due {
			first, err := q.exec(ctx, "INSERT INTO pinsetter_moved (repository) VALUES ($1) ON CONFLICT (repository) DO NOTHING", quoted(m.To))
			if err != nil {
				return err
			}
			if first == 0 {
				continue // another process was faster
			}
			if err := m.apply(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
}

// due returns the moves that nobody made yet.
func (l *Ledger) due(ctx context.Context, moves []Move) ([]Move, error) {
	var names []string
	for _, m := range moves {
		names = append(names, quoted(m.To))
	}
	var due []Move
	err := l.read(ctx, "read which repositories have moved", func(ctx context.Context, q querier) error {
		moved := map[string]bool{}
		err := q.query(ctx, func(row func(...any) error) error {
			var name string
			err := row(&name)
			moved[name] = true
			return err
		}, "SELECT m.repository FROM TEXTS($1) JOIN pinsetter_moved m ON m.repository = j.value", list(names))
		due = slices.DeleteFunc(slices.Clone(moves), func(m Move) bool { return moved[quoted(m.To)] })
		return err
	})
	return due, err
}

func (m Move) apply(ctx context.Context, q querier) error {
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
	for _, to := range slices.Sorted(maps.Keys(m.Quiet)) {
		for _, from := range m.Quiet[to] {
			_, err := q.exec(ctx, `INSERT INTO pinsetter_quiet (lane, put_at, body)
				SELECT CAST($2 AS TEXT), put_at, body FROM pinsetter_quiet WHERE lane = $1
				ON CONFLICT (lane) DO NOTHING`, hash(from), hash(to))
			if err != nil {
				return err
			}
		}
	}
	return m.moveRuns(ctx, q)
}

// moveRuns gives the runs of the move's automations their repository's name.
func (m Move) moveRuns(ctx context.Context, q querier) error {
	if m.From == m.To {
		return nil
	}
	var automations []string
	for _, name := range m.Automations {
		automations = append(automations, plain(name))
	}
	bodies := map[string]string{} // by id
	err := q.query(ctx, func(row func(...any) error) error {
		var id, body string
		err := row(&id, &body)
		bodies[id] = body
		return err
	}, "SELECT r.id, r.body FROM TEXTS($1) JOIN pinsetter_run r ON r.automation = j.value WHERE r.repository = $2", list(automations), plain(m.From))
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
