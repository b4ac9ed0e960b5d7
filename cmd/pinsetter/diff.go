package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/keeper"
	"github.com/pinsetter/pinsetter/store"
)

func newDiff(a *cli.App) *cobra.Command {
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "diff [NAMESPACE/NAME...]",
		Short: "Show what run would change, as unified diffs",
		Long: `Does what run does up to the rewrite, and prints a unified diff for each
automation and pull request. What is held, and why, goes to standard error. Nothing is written.`,
		Example: `  pinsetter diff -f clusters/production
  pinsetter diff -f clusters/production --exit-code || echo "updates are waiting"
  pinsetter diff -f clusters/production | git apply`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.OpenLedger(cmd.Context(), store.Options{ReadOnly: true}); err != nil {
				return err
			}
			c, err := runCycle(a, cmd, bot.Propose, args, keeper.Shard{})
			if err != nil {
				return err
			}
			diffs := c.diffs()
			if err := a.Print(diffs, c.writeDiff); err != nil {
				return err
			}
			for _, d := range diffs {
				a.SayHeld(d.Held)
			}
			sayUnmarked(a, c)
			if err := cli.Finish(c.failed); err != nil {
				return err
			}
			for _, d := range diffs {
				if exitCode && len(d.Changes) > 0 {
					return &cli.ExitError{Status: cli.StatusDifferent}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with status 3 when there are differences")
	return cmd
}

// diff is the changes that one automation would make.
type diff struct {
	Namespace string             `json:"namespace"`
	Name      string             `json:"name"`
	Group     string             `json:"group,omitempty"`
	Revision  string             `json:"revision,omitempty"`
	Suspended bool               `json:"suspended,omitempty"`
	Files     []string           `json:"files"`
	Changes   []pinsetter.Change `json:"changes"`
	Held      []pinsetter.Hold   `json:"held"`
	Error     string             `json:"error,omitempty"`
}

func (c *cycleResult) diffs() []diff {
	diffs := []diff{}
	for _, r := range c.results {
		d := diff{r.Namespace, r.Name, r.Group, r.Revision, r.Suspended, []string{}, r.Changes, r.Held, r.Error}
		for _, change := range r.Changes {
			if n := len(d.Files); n == 0 || d.Files[n-1] != change.Path {
				d.Files = append(d.Files, change.Path)
			}
		}
		diffs = append(diffs, d)
	}
	return diffs
}

// writeDiff prints the unified diffs: coloured and safe for a terminal, or byte
// for byte for git apply. That of a group stands below a line with its name, which
// git apply passes over.
func (c *cycleResult) writeDiff(w io.Writer, p cli.Painter) error {
	for _, r := range c.results {
		patch := r.Patch
		if r.Group != "" && patch != "" {
			patch = "# group " + cli.Printable(r.Group) + "\n" + patch
		}
		if cli.IsTerminal(w) {
			patch = cli.PaintDiff(p, patch)
		}
		if _, err := io.WriteString(w, patch); err != nil {
			return err
		}
	}
	return nil
}
