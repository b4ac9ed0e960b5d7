package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
)

// Run is the outcome of one run of an automation. `pinsetter history` prints it
// as JSON.
type Run struct {
	At          time.Time           `json:"at"`
	Automation  string              `json:"automation"` // "namespace/name"
	Repository  string              `json:"repository"` // "host/path", "host:port/path"
	Branch      string              `json:"branch,omitempty"`
	Commit      string              `json:"commit,omitempty"`
	PullRequest *PullRequest        `json:"pullRequest,omitempty"`
	Changes     []pinsetter.Change  `json:"changes"`
	Images      []pinsetter.Written `json:"images,omitempty"` // that the changes write, and where they come from
	Held        []pinsetter.Hold    `json:"held"`
	Error       string              `json:"error,omitempty"`

	// Omitted is the number of changes and holds that were dropped because the
	// run had too many.
	Omitted int `json:"omitted,omitempty"`

	// Wrote holds the images that the run wrote, by site in their base branch
	// (see [SiteOf]). [Runs.Record] stores them for [Sites.Written]; History
	// doesn't return them.
	Wrote map[Site]pinsetter.Image `json:"-"`
}

// PullRequest is the pull request that proposes a run's changes.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Action string `json:"action"` // created, updated, unchanged, closed or merged
}

// Bounds of a stored run. A change takes about 250 bytes.
const (
	maxEntries = 10_000   // of changes, and as many of holds
	maxError   = 64 << 10 // bytes
)

// repeatAfter is the time for which a run that ended like the one before isn't
// recorded.
const repeatAfter = 24 * time.Hour

// Runs is the table of runs: the history.
type Runs struct{ db *database }

// Record stores runs and the images that they wrote, in one transaction. It
// skips a run without a commit, pull request, change, hold or error, and a run
// that ended like the automation's last stored one less than a day ago; reasons
// of holds don't count for that, since they may contain durations. The written
// images are stored in any case. Recording a run twice has no further effect.
func (t Runs) Record(ctx context.Context, runs []Run) error {
	if !t.db.writes() || !slices.ContainsFunc(runs, func(r Run) bool { return r.says() || len(r.Wrote) > 0 }) {
		return nil
	}
	return t.db.write(ctx, "record runs", func(ctx context.Context, q querier) error {
		for _, run := range runs {
			if err := recordWritten(ctx, q, run); err != nil {
				return err
			}
			if err := recordRun(ctx, q, run); err != nil {
				return err
			}
		}
		return nil
	})
}

// says reports whether the run has anything to record.
func (r Run) says() bool {
	return r.Commit != "" || r.PullRequest != nil || r.Error != "" || len(r.Changes)+len(r.Held) > 0
}

func recordRun(ctx context.Context, q querier, run Run) error {
	if !run.says() {
		return nil
	}
	outcome, err := run.outcome()
	if err != nil {
		return err
	}
	repeated, err := repeats(ctx, q, run, outcome)
	if err != nil || repeated {
		return err
	}
	body, err := json.Marshal(run.bounded())
	if err != nil {
		return fmt.Errorf("encode run of %s: %w", run.Automation, err)
	}
	id := hash(fmt.Sprintf("%d\n%s\n%s\n%s\n%s", micros(run.At), run.Automation, run.Repository, run.Branch, outcome))
	_, err = q.exec(ctx, `INSERT INTO pinsetter_run (id, at, automation, repository, branch, outcome, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
		id, micros(run.At), plain(run.Automation), plain(run.Repository), plain(run.Branch), outcome, string(body))
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO pinsetter_run_policy (policy, run)
		SELECT j.value, CAST($2 AS TEXT) FROM TEXTS($1) WHERE true ON CONFLICT (policy, run) DO NOTHING`,
		list(run.policies()), id)
	return err
}

// repeats reports whether the automation's previous run ended in the same way
// recently.
func repeats(ctx context.Context, q querier, run Run, outcome string) (bool, error) {
	repeated := false
	err := q.query(ctx, func(row func(...any) error) error {
		var at int64
		var last string
		err := row(&at, &last)
		apart := run.At.Sub(moment(at)).Abs() // the clock may have been set back
		repeated = last == outcome && apart < repeatAfter
		return err
	}, `SELECT at, outcome FROM pinsetter_run
		WHERE automation = $1 AND repository = $2 AND branch = $3 ORDER BY at DESC LIMIT 1`,
		plain(run.Automation), plain(run.Repository), plain(run.Branch))
	return repeated, err
}

// outcome returns a hash of the run's result. The sources of images are no part
// of it, because they can't be read in each run.
func (r Run) outcome() (string, error) {
	r.At, r.Images = time.Time{}, nil
	r.Held = slices.Clone(r.Held)
	for i := range r.Held {
		r.Held[i].Reason = ""
	}
	data, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode run of %s: %w", r.Automation, err)
	}
	return hash(string(data)), nil
}

// bounded returns the run cut to the bounds.
func (r Run) bounded() Run {
	r.At = r.At.UTC().Truncate(time.Microsecond)
	r.Omitted = max(0, len(r.Changes)-maxEntries) + max(0, len(r.Held)-maxEntries)
	r.Changes = r.Changes[:min(len(r.Changes), maxEntries)]
	r.Held = r.Held[:min(len(r.Held), maxEntries)]
	r.Images = r.Images[:min(len(r.Images), maxEntries)]
	if len(r.Error) > maxError {
		end := maxError
		for !utf8.RuneStart(r.Error[end]) {
			end--
		}
		r.Error = r.Error[:end] + "…"
	}
	return r
}

// policies returns the policies that the run is about, as "namespace/name",
// sorted. A change's setter is "namespace:policy[:part]".
func (r Run) policies() []string {
	var names []string
	for _, change := range r.Changes {
		namespace, rest, _ := strings.Cut(change.Setter, ":")
		name, _, _ := strings.Cut(rest, ":")
		names = append(names, namespace+"/"+name)
	}
	for _, hold := range r.Held {
		names = append(names, hold.Policy)
	}
	return unique(names)
}

// hash returns 128 bits of the SHA-256 of s, in hex.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
