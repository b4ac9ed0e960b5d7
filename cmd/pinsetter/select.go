package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

func newSelect(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "select [NAMESPACE/NAME...]",
		Short: "Show the best candidate of image policies",
		Long: `Asks the registry and shows what every ImagePolicy, or those that are named,
select now, with the digest where the policy reflects digests. "pinsetter
explain" says why.`,
		Example: `  pinsetter select -f clusters/production
  pinsetter select -f clusters/production flux-system/podinfo -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.openLedger(cmd.Context(), store.Options{ReadOnly: true}); err != nil {
				return err
			}
			l, err := loadNamed(cmd, a, policies, args, func(_ *fleet.Set, picked []*fleet.Policy) needs { return needsOfPolicies(picked) })
			if err != nil {
				return err
			}
			results := l.bot.Select(cmd.Context(), l.picked, l.set.Automations)
			a.progress.done()
			for _, s := range results {
				l.failed = errors.Join(l.failed, s.Err)
			}
			if err := a.print(results, selectTable(results)); err != nil {
				return err
			}
			return finish(l.failed)
		},
	}
}

func selectTable(results []*bot.Selected) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		t.header("NAMESPACE", "NAME", "IMAGE", "TAG", "DIGEST")
		for _, s := range results {
			tag := cell{s.Tag, green}
			switch {
			case s.Err != nil:
				tag = cell{"failed", red}
			case s.Held != "":
				tag = cell{"held: " + s.Held, yellow}
			case s.Suspended:
				tag = cell{"suspended", yellow}
			}
			t.row(cell{s.Namespace, plain}, cell{s.Name, bold}, cell{s.Image, plain}, tag, cell{s.Digest, dim})
		}
		return t.write(w)
	}
}
