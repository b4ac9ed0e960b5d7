package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/config"
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
			set, failed, err := a.load(cmd.Context())
			if err != nil {
				return err
			}
			repositories, err := named(cmd, a, "ImageRepository", set.Repositories, repositoryName, args)
			if err != nil {
				return err
			}
			failed = errors.Join(failed, a.report(set.Findings))
			results := a.bot(set).Scan(cmd.Context(), repositories)
			a.progress.done()
			for _, s := range results {
				failed = errors.Join(failed, s.Err)
				a.sayDropped(s)
			}
			if err := a.print(results, scanTable(results)); err != nil {
				return err
			}
			return finish(failed)
		},
	}
}

func repositoryName(r *config.Repository) pinsetter.Name { return r.Name }

// shownDropped is how many malformed tags are quoted in a warning.
const shownDropped = 3

// sayDropped warns of what a registry listed that is no tag.
func (a *app) sayDropped(s *bot.Scanned) {
	if len(s.Dropped) == 0 {
		return
	}
	shown := strings.Join(s.Dropped[:min(len(s.Dropped), shownDropped)], ", ")
	fmt.Fprintf(a.err, "warning: ImageRepository %s/%s: %d names in the registry's answer are no tags and were dropped: %s\n",
		s.Namespace, s.Name, len(s.Dropped), printable(shown))
}

// tagsInTable is how many tags a table shows of an image.
const tagsInTable = 5

func scanTable(results []*bot.Scanned) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		t.header("NAMESPACE", "NAME", "IMAGE", "TAGS", "FIRST")
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
