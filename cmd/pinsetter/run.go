package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/keeper"
	"github.com/pinsetter/pinsetter/store"
)

func newRun(a *app) *cobra.Command {
	var strict, quiet bool
	var shard string
	cmd := &cobra.Command{
		Use:   "run [NAMESPACE/NAME...]",
		Short: "One cycle: scan, select, rewrite, commit and push",
		Long: `Runs every ImageUpdateAutomation, or those that are named, once: fetches its
branch, finds the markers, scans what they need, rewrites the marked values,
commits and pushes, or opens a pull request where a PullRequest object says so. An
ArtifactAutomation pulls an artifact instead, and pushes another one that is built on it.
Running it again changes nothing.

A better candidate that is not written is held; the reason says how to go on.
One bad object, policy or repository never stops the others: what failed is on
standard error, a line each, and the exit status is 1.`,
		Example: `  pinsetter run -f clusters/production
  pinsetter run -f clusters/production flux-system/apps -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			mine, err := parseShard(shard, os.Getenv("JOB_COMPLETION_INDEX"))
			if err != nil {
				return err
			}
			if err := a.openLedger(cmd.Context(), store.Options{}); err != nil {
				return err
			}
			var known knownHolds
			if quiet {
				known = holdsBefore(cmd.Context(), a.ledger, time.Now())
			}
			c, err := a.cycle(cmd, bot.Push, args, mine)
			if err != nil {
				return err
			}
			failed := finish(c.failed, c.heldError(strict))
			if quiet {
				c.results = known.news(c.results)
			}
			if quiet && len(c.results) == 0 {
				return failed
			}
			if !quiet {
				a.sayUnmarked(c)
			}
			if err := a.print(c.results, c.runTable); err != nil {
				return err
			}
			return failed
		},
	}
	cmd.Flags().BoolVar(&quiet, "quiet", false, "print only automations that did something, failed, or hold a site that earlier runs didn't")
	cmd.Flags().BoolVar(&strict, "strict", false, "a held site is a failure: exit status 1")
	cmd.Flags().StringVar(&shard, "shard", "", "run the repositories of shard I of N only: I/N, or /N with I from JOB_COMPLETION_INDEX")
	return cmd
}

// cycleResult is the result of a cycle, with its errors.
type cycleResult struct {
	set     *fleet.Set
	results []*bot.Result
	failed  error
}

// cycle loads the objects and runs the automations that args name and that
// belong to the shard.
func (a *app) cycle(cmd *cobra.Command, mode bot.Mode, args []string, mine keeper.Shard) (*cycleResult, error) {
	l, err := loadNamed(cmd, a, automations, args, nil)
	if err != nil {
		return nil, err
	}
	failed := l.failed
	results := l.bot.Cycle(cmd.Context(), mode, mine.Of(l.picked))
	a.progress.done()
	var findings []pinsetter.Finding
	for _, r := range results {
		findings = append(findings, r.Findings...)
		failed = errors.Join(failed, r.Err)
	}
	a.warn(pinsetter.SortFindings(findings))
	return &cycleResult{l.set, results, failed}, nil
}

// heldError returns an error for every held site if strict is set.
func (c *cycleResult) heldError(strict bool) error {
	if !strict {
		return nil
	}
	var err error
	for _, r := range c.results {
		for _, h := range r.Held {
			err = errors.Join(err, fmt.Errorf("%s:%d: ImagePolicy %s is held (--strict): %s", h.Path, h.Line, h.Policy, h.Reason))
		}
	}
	return err
}

// runTable prints a line for each automation, and below it its changes and
// holds.
func (c *cycleResult) runTable(w io.Writer, p painter) error {
	for _, r := range c.results {
		fmt.Fprintf(w, "%s%s %s\n", p.paint(bold, r.Namespace+"/"+r.Name), printable(inGroup(r.Group)), p.paint(outcome(r)))
		if err := changeTable(w, p, "  ", r.Changes); err != nil {
			return err
		}
		originLines(w, p, r.Images)
		for _, u := range r.Unverified {
			fmt.Fprintf(w, "  %s %s\n", p.paint(red, "unverified"), printable(fmt.Sprintf("%s: %s doesn't verify by %s: %s", place(u.Path, u.Line), u.Ref, u.Rule, u.Reason)))
		}
		for _, h := range r.Held {
			fmt.Fprintf(w, "  %s %s\n", p.paint(yellow, "held"), printable(describeHold(h)))
		}
	}
	return nil
}

// originLines prints a line for each image of which it is known where it comes from.
func originLines(w io.Writer, p painter, images []pinsetter.Written) {
	seen := map[string]bool{}
	for _, image := range images {
		from := image.String()
		if from == "" || seen[image.Ref] {
			continue
		}
		seen[image.Ref] = true
		fmt.Fprintf(w, "  %s\n", p.paint(dim, printable(image.Ref+": "+from)))
	}
}

// inGroup returns the suffix of an automation's name if its changes are
// grouped.
func inGroup(group string) string {
	if group == "" {
		return ""
	}
	return " [" + group + "]"
}

// outcome describes the result of an automation in a few words.
func outcome(r *bot.Result) (style, string) {
	switch {
	case r.PullRequest != nil:
		return proposed(r)
	case r.Err != nil && r.Pushed == nil:
		return red, "failed"
	case r.Suspended:
		return yellow, "suspended"
	case r.Pushed != nil:
		text := r.Pushed.Describe(len(r.Changes))
		if r.Err != nil {
			return yellow, text + ", with errors"
		}
		return green, text
	default:
		return dim, "nothing to do"
	}
}

// proposed describes the result for a pull request.
func proposed(r *bot.Result) (style, string) {
	pr := r.PullRequest
	text := pullRequest(pr.Number, string(pr.Action), pr.URL)
	switch {
	case r.Err != nil:
		return yellow, text + ", with errors"
	case pr.Refused:
		return yellow, pullRequest(pr.Number, "was closed by somebody, and stays so", pr.URL)
	case pr.Action == bot.Unchanged:
		return dim, text
	}
	return green, text
}

// pullRequest describes the result for a pull request in a line.
func pullRequest(number int, action, url string) string {
	return fmt.Sprintf("pull request #%d %s: %s", number, action, printable(url))
}

func changeTable(w io.Writer, p painter, indent string, changes []pinsetter.Change) error {
	return writeRows(w, p, func(yield func([]cell) bool) {
		for _, c := range changes {
			if !yield([]cell{{indent + place(c.Path, c.Line), plain}, {c.Old, red}, {"->", dim}, {c.New, green}}) {
				return
			}
		}
	})
}

func place(path string, line int) string { return path + ":" + strconv.Itoa(line) }

func describeHold(h pinsetter.Hold) string {
	text := fmt.Sprintf("%s:%d: %s stays at %s", h.Path, h.Line, h.Policy, quoteEmpty(h.Current))
	if h.Candidate != "" {
		text += ", not " + h.Candidate
	}
	text += ": " + h.Reason
	if !h.Until.IsZero() {
		text += " (until " + h.Until.Format("2006-01-02 15:04 MST") + ")"
	}
	return text
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// parseShard parses "I/N", or "/N" with I in index.
func parseShard(text, index string) (keeper.Shard, error) {
	if text == "" {
		return keeper.Shard{}, nil
	}
	i, n, found := strings.Cut(text, "/")
	if !found {
		return keeper.Shard{}, usage("--shard %q: the count is missing: write I/N, such as 0/4", text)
	}
	if i == "" {
		i = index
	}
	shard, err := strconv.Atoi(i)
	if err != nil {
		return keeper.Shard{}, usage("--shard %q: the index is not a number (it comes before the slash, or from JOB_COMPLETION_INDEX)", text)
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 1 || shard < 0 || shard >= count {
		return keeper.Shard{}, usage("--shard %q: write I/N with 0 <= I < N", text)
	}
	return keeper.Shard{Index: shard, Count: count}, nil
}
