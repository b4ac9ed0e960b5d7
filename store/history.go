package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// Filter selects runs. The zero Filter selects all.
type Filter struct {
	Automation string    // "namespace/name"
	Policy     string    // "namespace/name" of a policy that the run changed or held a site for
	Since      time.Time // at or after
	Until      time.Time // before
	Limit      int       // number of newest runs; 0: all
}

// History returns the runs that pass the filter, newest first, then by
// automation, repository and branch. It returns [ErrStateless] if there is no
// state.
func (t Runs) History(ctx context.Context, f Filter) ([]Run, error) {
	runs := []Run{}
	if !t.db.remembers {
		return nil, fmt.Errorf("read history: %w: name one with --state", ErrStateless)
	}
	if !t.db.reads() {
		return runs, nil
	}
	query, args := f.query()
	err := t.db.read(ctx, "read history", func(ctx context.Context, q querier) error {
		runs = runs[:0]
		return q.query(ctx, func(row func(...any) error) error {
			var body string
			if err := row(&body); err != nil {
				return err
			}
			run := Run{}
			if err := json.Unmarshal([]byte(body), &run); err != nil {
				return damaged("a run", err)
			}
			runs = append(runs, run.listed())
			return nil
		}, query, args...)
	})
	return runs, err
}

// Automations returns the names of all automations with a recorded run, sorted.
func (t Runs) Automations(ctx context.Context) ([]string, error) {
	return t.names(ctx, "SELECT DISTINCT automation FROM pinsetter_run ORDER BY automation")
}

// Policies returns the names of all policies for which a recorded run changed
// or held something, sorted.
func (t Runs) Policies(ctx context.Context) ([]string, error) {
	return t.names(ctx, "SELECT DISTINCT policy FROM pinsetter_run_policy ORDER BY policy")
}

// LastSuccess returns, by automation, the time of the last recorded run without
// an error.
func (t Runs) LastSuccess(ctx context.Context) (map[string]time.Time, error) {
	last := map[string]time.Time{}
	if !t.db.reads() {
		return last, nil
	}
	err := t.db.read(ctx, "read the last successes", func(ctx context.Context, q querier) error {
		clear(last)
		return q.query(ctx, func(row func(...any) error) error {
			var name string
			var at int64
			err := row(&name, &at)
			last[name] = moment(at)
			return err
		}, `SELECT automation, MAX(at) FROM pinsetter_run
			WHERE body NOT LIKE '%"error":"%' GROUP BY automation`) // in a text the quotes have backslashes
	})
	return last, err
}

// names returns the texts that a query yields, or none without a database.
func (t Runs) names(ctx context.Context, query string) ([]string, error) {
	var names []string
	if !t.db.reads() {
		return nil, nil
	}
	err := t.db.read(ctx, "read the names in the history", func(ctx context.Context, q querier) error {
		names = names[:0]
		return q.query(ctx, func(row func(...any) error) error {
			var name string
			err := row(&name)
			names = append(names, name)
			return err
		}, query)
	})
	return names, err
}

func (f Filter) query() (string, []any) {
	var conditions []string
	var args []any
	where := func(condition string, arg any) {
		args = append(args, arg)
		conditions = append(conditions, fmt.Sprintf(condition, len(args)))
	}
	if f.Automation != "" {
		where("automation = $%d", plain(f.Automation))
	}
	if f.Policy != "" {
		where("id IN (SELECT run FROM pinsetter_run_policy WHERE policy = $%d)", plain(f.Policy))
	}
	if !f.Since.IsZero() {
		where("at >= $%d", micros(f.Since))
	}
	if !f.Until.IsZero() {
		where("at < $%d", micros(f.Until))
	}
	query := "SELECT body FROM pinsetter_run"
	if len(conditions) > 0 {
		query += " WHERE " + strings.Join(conditions, " AND ")
	}
	query += " ORDER BY at DESC, automation, repository, branch, id"
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	return query, args
}

// listed replaces nil lists of the run by empty ones, which are [] in JSON.
func (r Run) listed() Run {
	if r.Changes == nil {
		r.Changes = []pinsetter.Change{}
	}
	if r.Held == nil {
		r.Held = []pinsetter.Hold{}
	}
	return r
}
