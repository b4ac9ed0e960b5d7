package main

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
)

func newScan(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "scan [NAMESPACE/NAME...]",
		Short: "List the tags of image repositories",
		Long: `Asks the registry for the tags of every ImageRepository, or of those that are
named. Tags of the exclusion list are left out; the others are sorted descending
by bytes, as Flux stores them.`,
		Example: `  pinsetter scan -f clusters/production
  pinsetter scan -f clusters/production podinfo -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := loadNamed(cmd, a, repositories, args, func(_ *fleet.Set, picked []*fleet.Repository) needs { return needsOfRepositories(picked) })
			if err != nil {
				return err
			}
			results := l.bot.Scan(cmd.Context(), l.picked)
			a.progress.done()
			for _, s := range results {
				l.failed = errors.Join(l.failed, s.Err)
			}
			if err := a.print(results, scanTable(results)); err != nil {
				return err
			}
			return finish(l.failed)
		},
	}
}

// tagsInTable is the number of an image's tags in a table.
const tagsInTable = 5

func scanTable(results []*bot.Scanned) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		t.header("NAMESPACE", "NAME", "IMAGE", "COUNT", "TAGS, DESCENDING BY BYTES")
		for _, s := range results {
			count, tags := cell{strconv.Itoa(len(s.Tags)), plain}, cell{strings.Join(s.Tags[:min(len(s.Tags), tagsInTable)], " "), plain}
			switch {
			case s.Err != nil:
				count, tags = cell{"-", plain}, cell{"failed", red}
			case s.Suspended:
				count, tags = cell{"-", plain}, cell{"suspended", yellow}
			case len(s.Tags) > tagsInTable:
				tags.text += " ..."
			}
			t.row(cell{s.Namespace, plain}, cell{s.Name, bold}, cell{s.Image, plain}, count, tags)
		}
		return t.write(w)
	}
}
