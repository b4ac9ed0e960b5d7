package main

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
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/setters"
)

func newMigrate(a *app) *cobra.Command {
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
			tree, failed, err := a.migrationTree(cmd, dir, policies)
			if err != nil {
				return err
			}
			r := migrate.Translate(args[0], *tree)
			failed = errors.Join(failed, r.Err)
			if write {
				if err := writeEdits(dir, r.Edits); err != nil {
					return finish(failed, err)
				}
			}
			if len(r.Entries) == 0 {
				a.say("warning", fmt.Sprintf("no setting of %s is in %s: say with --dir where they are", args[0], dir))
			}
			entries := append([]migrate.Entry{}, r.Entries...)
			if err := a.print(entries, a.migration(r, tree.Git.Folder, "Before the first run:", write)); err != nil {
				return err
			}
			if a.output != "table" {
				for _, off := range r.Off {
					a.say("to do", off)
				}
			}
			return finish(failed)
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
		return usage("%s: say which tool's settings are translated: %s", cmd.CommandPath(), known)
	case len(args) > 1:
		return usage("%s %q: one tool at a time: %s", cmd.CommandPath(), args[1], known)
	case !slices.Contains(migrate.Tools(), args[0]):
		return usage("%s %q: no such tool is known: write one of %s", cmd.CommandPath(), args[0], known)
	}
	return nil
}

// migrationTree reads the files that may hold settings or values. A file that
// can't be read is part of failed, and the others are translated.
func (a *app) migrationTree(cmd *cobra.Command, dir, policies string) (tree *migrate.Tree, failed, err error) {
	work, err := findWorkTree(dir)
	if err != nil {
		return nil, nil, finish(err)
	}
	tree = &migrate.Tree{}
	if tree.Policies, err = placeOfPolicies(dir, policies, work.root != ""); err != nil {
		return nil, nil, err
	}
	there, err := a.readThere(cmd.Context(), dir, cmd.Flags().Changed("namespace"))
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
func gitOf(there *thereAlready, work workTree) migrate.Git {
	at, err := url.Parse(work.origin)
	if work.origin == "" || err != nil {
		return migrate.Git{Folder: work.folder}
	}
	for _, automation := range there.set.Automations {
		source := automation.Git
		if source == nil || automation.Name.Namespace != there.namespace || source.Name.Namespace != there.namespace || automation.Suspended || automation.Path != "." {
			continue
		}
		if u, err := url.Parse(source.URL); err == nil && u.Host == at.Host && trimGit(u.Path) == trimGit(at.Path) {
			git := migrate.Git{Name: source.Name.Name, Branch: automation.Base.Branch, Automation: automation.Name.Name, Host: at.Host, Folder: work.folder}
			if selector := automation.Spec.PolicySelector; selector != nil {
				git.Labels = selector.MatchLabels
			}
			return git
		}
	}
	name := adopt.Label(trimGit(path.Base(at.Path)))
	return migrate.Git{Name: name, URL: work.origin, Branch: cmp.Or(work.branch, "main"), Folder: work.folder, Host: at.Host}
}

func trimGit(path string) string { return strings.TrimSuffix(path, ".git") }

// migration prints the diff, unless it is written, what became of each setting,
// and what is left to do, below a title.
func (a *app) migration(r *migrate.Result, folder, title string, written bool) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		if !written {
			if err := printEdits(w, p, folder, r.Edits); err != nil {
				return err
			}
		}
		var t table
		t.header("PLACE", "KIND", "FROM", "TO")
		for _, e := range r.Entries {
			to := cell{text: e.To}
			if e.Skipped != "" {
				to = cell{text: "skipped: " + e.Skipped, style: yellow}
			}
			where := e.Path
			if e.Line > 0 {
				where = place(e.Path, e.Line)
			}
			t.row(cell{text: where}, cell{text: e.Kind}, cell{text: e.From}, to)
		}
		if len(r.Entries) > 0 {
			if err := t.write(w); err != nil {
				return err
			}
		}
		return a.sayLeft(w, p, r, title, written)
	}
}

// sayLeft prints what is to do, below a title.
func (a *app) sayLeft(w io.Writer, p painter, r *migrate.Result, title string, written bool) error {
	if len(r.Entries) == 0 {
		return nil
	}
	if written {
		fmt.Fprintf(w, "\n%s\n", p.paint(dim, pinsetter.Count(len(r.Edits), "file")+" written"))
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
			if _, err := fmt.Fprintf(w, "%s %s\n", number, printable(line)); err != nil {
				return err
			}
		}
	}
	return nil
}
