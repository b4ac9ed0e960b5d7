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
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/keeper"
	"github.com/pinsetter/pinsetter/store"
)

func newRun(a *cli.App) *cobra.Command {
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
			if err := a.OpenLedger(cmd.Context(), store.Options{}); err != nil {
				return err
			}
			var known knownHolds
			if quiet {
				known = holdsBefore(cmd.Context(), a.Ledger, time.Now())
			}
			c, err := runCycle(a, cmd, bot.Push, args, mine)
			if err != nil {
				return err
			}
			failed := cli.Finish(c.failed, c.heldError(strict))
			if quiet {
				c.results = known.news(c.results)
			}
			if quiet && len(c.results) == 0 {
				return failed
			}
			if !quiet {
				sayUnmarked(a, c)
			}
			if err := a.Print(c.results, c.runTable); err != nil {
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

// runCycle loads the objects and runs the automations that args name and that
// belong to the shard.
func runCycle(a *cli.App, cmd *cobra.Command, mode bot.Mode, args []string, mine keeper.Shard) (*cycleResult, error) {
	l, err := cli.LoadNamed(cmd, a, cli.Automations, args, nil)
	if err != nil {
		return nil, err
	}
	failed := l.Failed
	results := l.Bot.Cycle(cmd.Context(), mode, mine.Of(l.Picked))
	a.Progress.Done()
	var findings []pinsetter.Finding
	for _, r := range results {
		findings = append(findings, r.Findings...)
		failed = errors.Join(failed, r.Err)
	}
	a.Warn(pinsetter.SortFindings(findings))
	return &cycleResult{l.Set, results, failed}, nil
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
func (c *cycleResult) runTable(w io.Writer, p cli.Painter) error {
	for _, r := range c.results {
		fmt.Fprintf(w, "%s%s %s\n", p.Paint(cli.Bold, r.Namespace+"/"+r.Name), cli.Printable(inGroup(r.Group)), p.Paint(outcome(r)))
		if err := changeTable(w, p, "  ", r.Changes); err != nil {
			return err
		}
		originLines(w, p, r.Images)
		for _, u := range r.Unverified {
			fmt.Fprintf(w, "  %s %s\n", p.Paint(cli.Red, "unverified"), cli.Printable(fmt.Sprintf("%s: %s doesn't verify by %s: %s", cli.Place(u.Path, u.Line), u.Ref, u.Rule, u.Reason)))
		}
		for _, h := range r.Held {
			fmt.Fprintf(w, "  %s %s\n", p.Paint(cli.Yellow, "held"), cli.Printable(cli.DescribeHold(h)))
		}
	}
	return nil
}

// originLines prints a line for each image of which it is known where it comes from.
func originLines(w io.Writer, p cli.Painter, images []pinsetter.Written) {
	seen := map[string]bool{}
	for _, image := range images {
		from := image.String()
		if from == "" || seen[image.Ref] {
			continue
		}
		seen[image.Ref] = true
		fmt.Fprintf(w, "  %s\n", p.Paint(cli.Dim, cli.Printable(image.Ref+": "+from)))
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
func outcome(r *bot.Result) (cli.Style, string) {
	switch {
	case r.PullRequest != nil:
		return proposed(r)
	case r.Err != nil && r.Pushed == nil:
		return cli.Red, "failed"
	case r.Suspended:
		return cli.Yellow, "suspended"
	case r.Pushed != nil:
		text := r.Pushed.Describe(len(r.Changes))
		if r.Err != nil {
			return cli.Yellow, text + ", with errors"
		}
		return cli.Green, text
	default:
		return cli.Dim, "nothing to do"
	}
}

// proposed describes the result for a pull request.
func proposed(r *bot.Result) (cli.Style, string) {
	pr := r.PullRequest
	text := pullRequest(pr.Number, string(pr.Action), pr.URL)
	switch {
	case r.Err != nil:
		return cli.Yellow, text + ", with errors"
	case pr.Refused:
		return cli.Yellow, pullRequest(pr.Number, "was closed by somebody, and stays so", pr.URL)
	case pr.Action == bot.Unchanged:
		return cli.Dim, text
	}
	return cli.Green, text
}

// pullRequest describes the result for a pull request in a line.
func pullRequest(number int, action, url string) string {
	return fmt.Sprintf("pull request #%d %s: %s", number, action, cli.Printable(url))
}

func changeTable(w io.Writer, p cli.Painter, indent string, changes []pinsetter.Change) error {
	return cli.WriteRows(w, p, func(yield func([]cli.Cell) bool) {
		for _, c := range changes {
			if !yield([]cli.Cell{
				cli.NewCell(indent+cli.Place(c.Path, c.Line), cli.Plain), cli.NewCell(c.Old, cli.Red), cli.NewCell("->", cli.Dim), cli.NewCell(c.New, cli.Green),
			}) {
				return
			}
		}
	})
}

// parseShard parses "I/N", or "/N" with I in index.
func parseShard(text, index string) (keeper.Shard, error) {
	if text == "" {
		return keeper.Shard{}, nil
	}
	i, n, found := strings.Cut(text, "/")
	if !found {
		return keeper.Shard{}, cli.Usage("--shard %q: the count is missing: write I/N, such as 0/4", text)
	}
	if i == "" {
		i = index
	}
	shard, err := strconv.Atoi(i)
	if err != nil {
		return keeper.Shard{}, cli.Usage("--shard %q: the index is not a number (it comes before the slash, or from JOB_COMPLETION_INDEX)", text)
	}
	count, err := strconv.Atoi(n)
	if err != nil || count < 1 || shard < 0 || shard >= count {
		return keeper.Shard{}, cli.Usage("--shard %q: write I/N with 0 <= I < N", text)
	}
	return keeper.Shard{Index: shard, Count: count}, nil
}
