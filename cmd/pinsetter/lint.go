package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/links"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/setters"
)

func newLint(a *app) *cobra.Command {
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
		Args: noNames("say with -f where objects are, and with --dir where marked files are"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.notifications, a.lint, a.artifacts = config.NotificationsChecked, true, true
			from := a.read(cmd.Context())
			set, err := a.loadFrom(from)
			if err != nil {
				return err
			}
			l := lint.Check(cmd.Context(), set, lint.Places{Dirs: dirs, Sources: a.localSources(dirs), Files: from.files})
			a.progress.done()
			findings := append([]pinsetter.Finding{}, l.Findings...)
			if err := a.print(findings, lintTable(l)); err != nil {
				return err
			}
			a.sayNoMarker(l, dirs)
			return lintStatus(l, exitCode)
		},
	}
	cmd.Flags().StringArrayVar(&dirs, "dir", nil, "directory whose markers are judged (repeatable)")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with status 3 when there are findings")
	return cmd
}

// sayNoMarker notes that the folders of --dir have no marker, and how to get some.
func (a *app) sayNoMarker(l *lint.Report, dirs []string) {
	if len(dirs) > 0 && l.Markers+l.CommentedOut == 0 && l.Err == nil {
		in := strings.Join(dirs, " and ")
		a.say("note", fmt.Sprintf("no $imagepolicy marker is in %s: pinsetter init --dir %s proposes some", in, dirs[0]))
	}
}

// localSources returns the files and folders of -f, whose markers are judged too:
// the current directory if nothing is named, also by --dir.
func (a *app) localSources(dirs []string) []string {
	if len(a.filenames)+len(a.kustomize)+len(dirs) == 0 {
		return []string{"."}
	}
	return slices.DeleteFunc(slices.Clone(a.filenames), func(name string) bool { return name == "-" || strings.Contains(name, "://") })
}

// lintStatus returns the end of lint: a wrong object comes first, then
// unreadable sources, then findings if the caller asked for them.
func lintStatus(l *lint.Report, exitCode bool) error {
	end := finish(l.Err)
	if end == nil && l.Unread {
		end = &exitError{status: statusFailed}
	}
	switch {
	case l.Wrong:
		return &exitError{statusUsage, end}
	case end != nil:
		return end
	case exitCode && len(l.Findings) > 0:
		return &exitError{status: statusDifferent}
	}
	return nil
}

func lintTable(l *lint.Report) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		for _, f := range l.Findings {
			s := yellow
			if f.Severity == pinsetter.Error {
				s = red
			}
			where := f.Path
			if f.Line > 0 {
				where = place(f.Path, f.Line)
			}
			fmt.Fprintf(w, "%s: %s: %s %s\n", p.paint(bold, printable(where)), p.paint(s, string(f.Severity)), printable(f.Message), p.paint(dim, "["+f.Code+"]"))
		}
		_, err := fmt.Fprintf(w, "%s\n", p.paint(dim, lintSummary(l)))
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
