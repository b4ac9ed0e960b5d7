package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/links"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/setters"
)

func newLint(a *cli.App) *cobra.Command {
	var dirs []string
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "lint [--dir DIR]",
		Short: "Account for every object and every marker",
		Long: `Judges the objects that -f names and the markers in the folders and files that -f
and --dir name, and never asks Git or a registry. A wrong object gives status 2. A
Secret that is needed only to write (Git, forge) may be missing: a warning. An error
about a marker says that it is left alone, a warning that somebody should look.
Whether an automation writes a marker is judged only where an automation was loaded.

Codes:
` + codeList(),
		Example: `  pinsetter lint -f clusters/production --dir .
  pinsetter lint --dir . --exit-code -o json`,
		Args: cli.NoNames("say with -f where objects are, and with --dir where marked files are"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.Notifications, a.Lint, a.Artifacts = config.NotificationsChecked, true, true
			from := a.Read(cmd.Context())
			set, err := a.LoadFrom(from)
			if err != nil {
				return err
			}
			l := lint.Check(cmd.Context(), set, lint.Places{Dirs: dirs, Sources: localSources(a, dirs), Files: from.Files})
			a.Progress.Done()
			findings := append([]pinsetter.Finding{}, l.Findings...)
			if err := a.Print(findings, lintTable(l)); err != nil {
				return err
			}
			sayNoMarker(a, l, dirs)
			return lintStatus(l, exitCode)
		},
	}
	cmd.Flags().StringArrayVar(&dirs, "dir", nil, "directory whose markers are judged (repeatable)")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with status 3 when there are findings")
	return cmd
}

// sayNoMarker notes that the folders of --dir have no marker, and how to get some.
func sayNoMarker(a *cli.App, l *lint.Report, dirs []string) {
	if len(dirs) > 0 && l.Markers+l.CommentedOut == 0 && l.Err == nil {
		in := strings.Join(dirs, " and ")
		a.Say("note", fmt.Sprintf("no $imagepolicy marker is in %s: pinsetter init --dir %s proposes some", in, dirs[0]))
	}
}

// localSources returns the files and folders of -f, whose markers are judged too:
// the current directory if nothing is named, also by --dir.
func localSources(a *cli.App, dirs []string) []string {
	if len(a.Filenames)+len(a.Kustomize)+len(dirs) == 0 {
		return []string{"."}
	}
	return slices.DeleteFunc(slices.Clone(a.Filenames), func(name string) bool { return name == "-" || strings.Contains(name, "://") })
}

// lintStatus returns the end of lint: a wrong object comes first, then
// unreadable sources, then findings if the caller asked for them.
func lintStatus(l *lint.Report, exitCode bool) error {
	end := cli.Finish(l.Err)
	if end == nil && l.Unread {
		end = &cli.ExitError{Status: cli.StatusFailed}
	}
	switch {
	case l.Wrong:
		return cli.Exit(cli.StatusUsage, end)
	case end != nil:
		return end
	case exitCode && len(l.Findings) > 0:
		return &cli.ExitError{Status: cli.StatusDifferent}
	}
	return nil
}

func lintTable(l *lint.Report) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		for _, f := range l.Findings {
			s := cli.Yellow
			if f.Severity == pinsetter.Error {
				s = cli.Red
			}
			where := f.Path
			if f.Line > 0 {
				where = cli.Place(f.Path, f.Line)
			}
			fmt.Fprintf(w, "%s: %s: %s %s\n", p.Paint(cli.Bold, cli.Printable(where)), p.Paint(s, string(f.Severity)), cli.Printable(f.Message), p.Paint(cli.Dim, "["+f.Code+"]"))
		}
		_, err := fmt.Fprintf(w, "%s\n", p.Paint(cli.Dim, lintSummary(l)))
		return err
	}
}

// lintSummary returns the counts of what was checked, in one line.
func lintSummary(l *lint.Report) string {
	counts := []string{pinsetter.Count(l.Objects, "object"), pinsetter.Count(l.Markers, "marker"), pinsetter.Count(len(l.Findings), "finding")}
	if l.CommentedOut > 0 {
		counts = append(counts, pinsetter.Count(l.CommentedOut, "commented-out marker"))
	}
	return strings.Join(counts, ", ")
}

// codeList returns every code of a finding with its explanation, one a line.
func codeList() string {
	all := map[string]string{}
	for _, codes := range []map[string]string{config.Codes, setters.Codes, links.Codes, lint.Codes} {
		maps.Copy(all, codes)
	}
	var b strings.Builder
	for _, code := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "  %-20s %s\n", code, all[code])
	}
	return b.String()
}
