package adopting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/setters"
)

// NewMigrate returns the command migrate.
func NewMigrate(a *cli.App) *cobra.Command {
	var dir, policies string
	var write bool
	cmd := &cobra.Command{
		Use:   "migrate TOOL",
		Short: "Translate another tool's settings into markers and objects",
		Long: `Reads what another tool was told below a directory, and prints as a diff the
markers and objects that do the same: for argocd-image-updater its annotations and
ImageUpdater objects, for keel its annotations, labels and Helm values, for
renovate what of its configuration concerns images. Then it lists every setting
with what becomes of it, or why it has no counterpart, and says what to switch off
in the other tool. Nothing is asked of a registry or of Git.

An image whose limits can't all be translated gets no marker. Only comments are
inserted; new objects go to one file of their own.`,
		Example: `  pinsetter migrate argocd-image-updater
  pinsetter migrate renovate --dir . --write
  pinsetter migrate keel -o json`,
		Args:      oneTool,
		ValidArgs: migrate.Tools(),
		RunE: func(cmd *cobra.Command, args []string) error {
			tree, failed, err := migrationTree(a, cmd, dir, policies)
			if err != nil {
				return err
			}
			r := migrate.Translate(args[0], *tree)
			failed = errors.Join(failed, r.Err)
			if write {
				if err := writeEdits(dir, r.Edits); err != nil {
					return cli.Finish(failed, err)
				}
			}
			if len(r.Entries) == 0 {
				a.Say("warning", fmt.Sprintf("no setting of %s is in %s: say with --dir where they are", args[0], dir))
			}
			entries := append([]migrate.Entry{}, r.Entries...)
			if err := a.Print(entries, migration(a, r, tree.Git.Folder, "Before the first run:", write)); err != nil {
				return err
			}
			if a.Output != "table" {
				for _, off := range r.Off {
					a.Say("to do", off)
				}
			}
			return cli.Finish(failed)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "directory whose files are translated")
	cmd.Flags().StringVar(&policies, "policies", "", "file below --dir that new objects are appended to (default .github/pinsetter/policies.yaml in a Git work tree, else pinsetter/policies.yaml)")
	cmd.Flags().BoolVar(&write, "write", false, "write the files instead of printing the diff")
	cmd.AddCommand(newMigrateOCI(a))
	return cmd
}

// oneTool demands the name of a tool that is known.
func oneTool(cmd *cobra.Command, args []string) error {
	known := strings.Join(migrate.Tools(), ", ")
	switch {
	case len(args) == 0:
		return cli.Usage("%s: say which tool's settings are translated: %s", cmd.CommandPath(), known)
	case len(args) > 1:
		return cli.Usage("%s %q: one tool at a time: %s", cmd.CommandPath(), args[1], known)
	case !slices.Contains(migrate.Tools(), args[0]):
		return cli.Usage("%s %q: no such tool is known: write one of %s", cmd.CommandPath(), args[0], known)
	}
	return nil
}

// migrationTree reads the files that may hold settings or values. A file that
// can't be read is part of failed, and the others are translated.
func migrationTree(a *cli.App, cmd *cobra.Command, dir, policies string) (tree *migrate.Tree, failed, err error) {
	work, err := cli.FindWorkTree(dir)
	if err != nil {
		return nil, nil, cli.Finish(err)
	}
	tree = &migrate.Tree{}
	if tree.Policies, err = placeOfPolicies(dir, policies, work.Root != ""); err != nil {
		return nil, nil, err
	}
	there, err := readThere(cmd.Context(), a, dir, cmd.Flags().Changed("namespace"))
	if err != nil {
		return nil, nil, err
	}
	tree.Namespace, tree.Git = there.namespace, gitOf(there, work)
	f, err := folder.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	options := folder.Options{Want: migrate.Wants, MaxSize: setters.MaxSize}
	tree.Files, failed = folder.Each(cmd.Context(), f, options, func(path string, data []byte) (migrate.File, bool) {
		return migrate.File{Path: path, Data: slices.Clone(data)}, true
	})
	if cmd.Context().Err() != nil {
		return nil, nil, context.Cause(cmd.Context())
	}
	return tree, failed, nil
}

// gitOf returns where a work tree is pushed, and the automation that writes all of
// it already, if there is one.
func gitOf(there *thereAlready, work cli.WorkTree) migrate.Git {
	at, err := url.Parse(work.Origin)
	if work.Origin == "" || err != nil {
		return migrate.Git{Folder: work.Folder}
	}
	for _, automation := range there.set.Automations {
		source := automation.Git
		if source == nil || automation.Name.Namespace != there.namespace || source.Name.Namespace != there.namespace || automation.Suspended || automation.Path != "." {
			continue
		}
		if u, err := url.Parse(source.URL); err == nil && u.Host == at.Host && trimGit(u.Path) == trimGit(at.Path) {
			git := migrate.Git{Name: source.Name.Name, Branch: automation.Base.Branch, Automation: automation.Name.Name, Host: at.Host, Folder: work.Folder}
			if selector := automation.Spec.PolicySelector; selector != nil {
				git.Labels = selector.MatchLabels
			}
			return git
		}
	}
	name := adopt.Label(trimGit(path.Base(at.Path)))
	return migrate.Git{Name: name, URL: work.Origin, Branch: cmp.Or(work.Branch, "main"), Folder: work.Folder, Host: at.Host}
}

func trimGit(path string) string { return strings.TrimSuffix(path, ".git") }

// migration prints the diff, unless it is written, what became of each setting,
// and what is left to do, below a title.
func migration(a *cli.App, r *migrate.Result, folder, title string, written bool) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		if !written {
			if err := printEdits(w, p, folder, r.Edits); err != nil {
				return err
			}
		}
		var t cli.Table
		t.Header("PLACE", "KIND", "FROM", "TO")
		for _, e := range r.Entries {
			to := cli.Cell{Text: e.To}
			if e.Skipped != "" {
				to = cli.Cell{Text: "skipped: " + e.Skipped, Style: cli.Yellow}
			}
			where := e.Path
			if e.Line > 0 {
				where = cli.Place(e.Path, e.Line)
			}
			t.Row(cli.Cell{Text: where}, cli.Cell{Text: e.Kind}, cli.Cell{Text: e.From}, to)
		}
		if len(r.Entries) > 0 {
			if err := t.Write(w); err != nil {
				return err
			}
		}
		return sayLeft(a, w, p, r, title, written)
	}
}

// sayLeft prints what is to do, below a title.
func sayLeft(a *cli.App, w io.Writer, p cli.Painter, r *migrate.Result, title string, written bool) error {
	if len(r.Entries) == 0 {
		return nil
	}
	if written {
		fmt.Fprintf(w, "\n%s\n", p.Paint(cli.Dim, pinsetter.Count(len(r.Edits), "file")+" written"))
	}
	if len(r.Off) > 0 {
		fmt.Fprintln(w, "\n"+title)
	}
	for i, off := range r.Off {
		for j, line := range strings.Split(off, "\n") {
			number := "    "
			if j == 0 {
				number = fmt.Sprintf("%3d.", i+1)
			}
			if _, err := fmt.Fprintf(w, "%s %s\n", number, cli.Printable(line)); err != nil {
				return err
			}
		}
	}
	return nil
}
