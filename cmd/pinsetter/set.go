package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/store"
)

func newSet(a *cli.App) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "set --dir DIR",
		Short: "Rewrite the markers of a local directory, without Git",
		Long: `Scans, selects and rewrites the marked values below a directory in place, for
every policy that was loaded. Only the bytes of marked values change. A file is
replaced whole or not at all; symbolic links are not followed; nothing is
committed.`,
		Example: `  pinsetter set --dir . -f clusters/production
  pinsetter set --dir deploy -f policies.yaml -o json`,
		Args: cli.NoNames("say with --dir where the marked files are"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return cli.Usage("--dir is missing: name the directory to rewrite, such as --dir .")
			}
			if err := a.OpenLedger(cmd.Context(), store.Options{ReadOnly: true}); err != nil {
				return err
			}
			set, err := a.Load(cmd.Context())
			if err != nil {
				return err
			}
			r := a.Bot(set).Set(cmd.Context(), dir)
			a.Progress.Done()
			failed := a.Report(cli.NeedsOfPolicies(r.Policies).Judge(set.Findings))
			a.Warn(pinsetter.SortFindings(r.Findings))
			a.SayHeld(r.Held)
			if r.Files == 0 {
				a.Say("warning", fmt.Sprintf("no $imagepolicy marker is in %s: pinsetter init --dir %s proposes some", dir, dir))
			}
			changes := r.Changes
			if changes == nil {
				changes = []pinsetter.Change{} // in JSON a list
			}
			if err := a.Print(changes, func(w io.Writer, p cli.Painter) error { return setTable(w, p, r) }); err != nil {
				return err
			}
			return cli.Finish(failed, r.Err)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "directory to rewrite")
	return cmd
}

// setTable prints the changes, or that there are none where nothing else says why.
func setTable(w io.Writer, p cli.Painter, r *bot.Rewritten) error {
	if len(r.Changes)+len(r.Held)+len(r.Findings) == 0 && r.Files > 0 && r.Err == nil {
		_, err := fmt.Fprintf(w, "%s\n", p.Paint(cli.Dim, "nothing to do: every marker shows what its policy selects"))
		return err
	}
	return changeTable(w, p, "", r.Changes)
}
