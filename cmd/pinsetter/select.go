package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

func newSelect(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "select [NAMESPACE/NAME...]",
		Short: "Show the best candidate of image policies",
		Long: `Asks the registry and shows what every ImagePolicy, or those that are named,
select now, with the digest where the policy reflects digests. "pinsetter
explain" says why.`,
		Example: `  pinsetter select -f clusters/production
  pinsetter select -f clusters/production flux-system/podinfo -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.OpenLedger(cmd.Context(), store.Options{ReadOnly: true}); err != nil {
				return err
			}
			l, err := cli.LoadNamed(cmd, a, cli.Policies, args, func(_ *fleet.Set, picked []*fleet.Policy) cli.Needs { return cli.NeedsOfPolicies(picked) })
			if err != nil {
				return err
			}
			results := l.Bot.Select(cmd.Context(), l.Picked, l.Set.Automations)
			a.Progress.Done()
			for _, s := range results {
				l.Failed = errors.Join(l.Failed, s.Err)
			}
			if err := a.Print(results, selectTable(results)); err != nil {
				return err
			}
			return cli.Finish(l.Failed)
		},
	}
}

func selectTable(results []*bot.Selected) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		t := cli.Table{Painter: p}
		t.Header("NAMESPACE", "NAME", "IMAGE", "TAG", "DIGEST")
		for _, s := range results {
			tag := cli.NewCell(s.Tag, cli.Green)
			switch {
			case s.Err != nil:
				tag = cli.NewCell("failed", cli.Red)
			case s.Held != "":
				tag = cli.NewCell("held: "+s.Held, cli.Yellow)
			case s.Suspended:
				tag = cli.NewCell("suspended", cli.Yellow)
			}
			t.Row(cli.NewCell(s.Namespace, cli.Plain), cli.NewCell(s.Name, cli.Bold), cli.NewCell(s.Image, cli.Plain), tag, cli.NewCell(s.Digest, cli.Dim))
		}
		return t.Write(w)
	}
}
