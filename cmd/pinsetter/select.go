package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
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
			set, failed, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			policies, err := named(cmd, a, "ImagePolicy", set.Policies, policyName, args)
			if err != nil {
				return err
			}
			failed = errors.Join(failed, a.report(set.Findings))
			results := a.bot(set).Select(cmd.Context(), policies)
			a.progress.done()
			for _, s := range results {
				failed = errors.Join(failed, s.Err)
			}
			if err := a.print(results, selectTable(results)); err != nil {
				return err
			}
			return finish(failed)
		},
	}
}

func policyName(p *config.Policy) pinsetter.Name { return p.Name }

func selectTable(results []*bot.Selected) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		t.header("NAMESPACE", "NAME", "IMAGE", "TAG", "DIGEST")
		for _, s := range results {
			tag := cell{s.Tag, green}
			switch {
			case s.Err != nil:
				tag = cell{"failed", red}
			case s.Suspended:
				tag = cell{"suspended", yellow}
			}
			t.row(cell{s.Namespace, plain}, cell{s.Name, bold}, cell{s.Image, plain}, tag, cell{s.Digest, dim})
		}
		return t.write(w)
	}
}
