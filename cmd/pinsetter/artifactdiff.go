package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/plan"
)

func newArtifactDiff(a *cli.App) *cobra.Command {
	var access artifactFlags
	var pack packFlags
	cmd := &cobra.Command{
		Use:   "diff oci://HOST/REPOSITORY[:TAG][@DIGEST] --path PATH",
		Short: "Compare an artifact with a folder or a file",
		Long: `Prints, as unified diffs, what a push of --path would change, and ends with 1 if
that is anything. Names, contents and whether a file may be executed count; times,
owners and the umask of a checkout don't. The content of Secrets isn't shown.`,
		Example: `  pinsetter artifact diff oci://ghcr.io/org/manifests/app:v0.0.1 --path=./kustomize`,
		Args:    artifactURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			from, r, err := access.open(a, args[0], nil)
			if err != nil {
				return err
			}
			local, err := pack.source(a)
			if err != nil {
				return err
			}
			content, err := artifact.Open(cmd.Context(), from, r)
			if err != nil {
				return cli.Finish(err)
			}
			content.Coming = showMoves(a, "pulling "+r.String())
			found, err := artifact.Diff(cmd.Context(), content, local)
			a.Progress.Done()
			if errors.Is(err, artifact.ErrChart) {
				return cli.Usage("%w", err)
			}
			if err != nil {
				return cli.Finish(err)
			}
			if err := a.Print(found, differences(found)); err != nil {
				return err
			}
			if len(found) > 0 {
				return cli.Exit(cli.StatusFailed, nil)
			}
			return nil
		},
	}
	access.add(cmd)
	pack.add(cmd)
	return cmd
}

// differences prints unified diffs, and a line for what has none.
func differences(all []artifact.Difference) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		for _, d := range all {
			patch := differencePatch(d)
			if cli.IsTerminal(w) {
				patch = cli.PaintDiff(p, patch)
			}
			if _, err := io.WriteString(w, patch); err != nil {
				return err
			}
		}
		return nil
	}
}

// differencePatch returns the diff of one file, in the words of Git for what has no
// lines.
func differencePatch(d artifact.Difference) string {
	name := pinsetter.Printable(d.Path)
	switch {
	case d.Change == artifact.Mode && d.Executable:
		return fmt.Sprintf("# %s: old mode 100644, new mode 100755\n", name)
	case d.Change == artifact.Mode:
		return fmt.Sprintf("# %s: old mode 100755, new mode 100644\n", name)
	case d.Hidden != "":
		return fmt.Sprintf("# %s is %s, and %s\n", name, d.Change, d.Hidden)
	case bytes.IndexByte(d.Old, 0) >= 0, bytes.IndexByte(d.New, 0) >= 0:
		return fmt.Sprintf("# %s is %s, and is no text\n", name, d.Change)
	case len(d.Old)+len(d.New) == 0:
		return fmt.Sprintf("# %s is %s, and is empty\n", name, d.Change)
	}
	return plan.Patch(name, d.Old, d.New)
}
