package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/store"
	"github.com/pinsetter/pinsetter/strict"
)

func newHistory(a *cli.App) *cobra.Command {
	var f store.Filter
	var since, until string
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show what was done, when and why",
		Long: `Shows the runs that changed, held or failed at something, newest first, as the
state (--state) has them. It loads no objects and sends no requests.`,
		Example: `  pinsetter history --since 24h
  pinsetter history --policy flux-system/podinfo --limit 5 -o json`,
		Args: cli.NoNames("say with --automation or --policy which runs"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			now := time.Now()
			if f.Since, err = moment("--since", since, now); err != nil {
				return err
			}
			if f.Until, err = moment("--until", until, now); err != nil {
				return err
			}
			if f.Limit < 0 {
				return cli.Usage("--limit %d: give a number of runs, or 0 for all", f.Limit)
			}
			dsn, err := a.DSN()
			if err != nil {
				return err
			}
			ledger, err := store.Open(cmd.Context(), dsn, store.Options{ReadOnly: true})
			if err != nil {
				return cli.Finish(err)
			}
			defer ledger.Close()
			if err := fullNames(a, cmd, ledger, &f); err != nil {
				return err
			}
			runs, err := ledger.Runs().History(cmd.Context(), f)
			if err != nil {
				return cli.Finish(err)
			}
			if len(runs) == 0 && a.Output == "table" {
				a.Say("note", fmt.Sprintf("no run that changed, held or failed at something is recorded in %s, or none that you asked for", dsn))
			}
			return a.Print(runs, historyTable(runs))
		},
	}
	cmd.Flags().StringVar(&f.Automation, "automation", "", "runs of this automation only: NAMESPACE/NAME, or NAME if only one has it")
	cmd.Flags().StringVar(&f.Policy, "policy", "", "runs that changed or held something for this policy: NAMESPACE/NAME, or NAME")
	cmd.Flags().StringVar(&since, "since", "", "runs from then on: 24h, 7d, 2006-01-02 or 2006-01-02T15:04:05Z")
	cmd.Flags().StringVar(&until, "until", "", "runs before then, written as --since")
	cmd.Flags().IntVar(&f.Limit, "limit", 50, "the newest so many runs; 0 for all")
	return cmd
}

// fullNames gives the names in a filter their namespaces: that of --namespace, else
// that of the one name which the ledger has.
func fullNames(a *cli.App, cmd *cobra.Command, ledger *store.Ledger, f *store.Filter) error {
	for _, flag := range []struct {
		name  string
		value *string
		known func(context.Context) ([]string, error)
	}{{"automation", &f.Automation, ledger.Runs().Automations}, {"policy", &f.Policy, ledger.Runs().Policies}} {
		name := *flag.value
		switch {
		case name == "" || strings.Contains(name, "/"):
			continue
		case cmd.Flags().Changed("namespace"):
			*flag.value = a.Namespace + "/" + name
			continue
		}
		known, err := flag.known(cmd.Context())
		if err != nil {
			return cli.Finish(err)
		}
		named := slices.DeleteFunc(slices.Clone(known), func(full string) bool { return !strings.HasSuffix(full, "/"+name) })
		switch len(named) {
		case 0:
			return cli.Usage("--%s %q: no recorded run has one of that name%s", flag.name, name, strict.DidYouMean(name, known))
		case 1:
			*flag.value = named[0]
		default:
			return cli.Usage("--%s %q: write one of %s", flag.name, name, strings.Join(named, ", "))
		}
	}
	return nil
}

// days matches a number of days.
var days = pinsetter.Pattern(`^([0-9]{1,5})d$`)

// moment parses a time: a duration before now, a day, or a time of RFC 3339. It
// is zero for "".
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if match := days().FindStringSubmatch(text); match != nil {
		n, _ := strconv.Atoi(match[1]) // of digits
		return now.AddDate(0, 0, -n), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, cli.Usage("%s %q: write how long ago (24h, 7d), a day (2006-01-02) or a moment (2006-01-02T15:04:05Z)", flag, text)
	}
	return t, nil
}

func historyTable(runs []store.Run) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		for _, run := range runs {
			at := run.At.Local().Format("2006-01-02 15:04:05 MST")
			s, text := runOutcome(run)
			fmt.Fprintf(w, "%s %s %s\n", p.Paint(cli.Dim, at), p.Paint(cli.Bold, run.Automation), p.Paint(s, cli.Printable(text)))
			if err := changeTable(w, p, "  ", run.Changes); err != nil {
				return err
			}
			originLines(w, p, run.Images)
			for _, h := range run.Held {
				if !h.Until.IsZero() {
					h.Until = h.Until.Local() // as the run's time
				}
				fmt.Fprintf(w, "  %s %s\n", p.Paint(cli.Yellow, "held"), cli.Printable(cli.DescribeHold(h)))
			}
		}
		return nil
	}
}

func runOutcome(run store.Run) (cli.Style, string) {
	pushed := bot.Pushed{Commit: run.Commit, Branch: run.Branch}
	switch pr := run.PullRequest; {
	case pr != nil && run.Error != "":
		return cli.Yellow, pullRequest(pr.Number, pr.Action, pr.URL) + ", with errors: " + run.Error
	case pr != nil:
		return cli.Green, pullRequest(pr.Number, pr.Action, pr.URL)
	case run.Commit != "" && run.Error != "":
		return cli.Yellow, pushed.Describe(len(run.Changes)) + ", with errors: " + run.Error
	case run.Commit != "":
		return cli.Green, pushed.Describe(len(run.Changes))
	case run.Error != "":
		return cli.Red, "failed: " + run.Error
	}
	return cli.Yellow, "held"
}
