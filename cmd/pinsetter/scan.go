package main

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
)

func newScan(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use:   "scan [NAMESPACE/NAME...]",
		Short: "List the tags of image repositories",
		Long: `Asks the registry for the tags of every ImageRepository, or of those that are
named. Tags of the exclusion list are left out; the others are sorted descending
by bytes, as Flux stores them.`,
		Example: `  pinsetter scan -f clusters/production
  pinsetter scan -f clusters/production podinfo -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := cli.LoadNamed(cmd, a, cli.Repositories, args, func(_ *fleet.Set, picked []*fleet.Repository) cli.Needs { return cli.NeedsOfRepositories(picked) })
			if err != nil {
				return err
			}
			results := l.Bot.Scan(cmd.Context(), l.Picked)
			a.Progress.Done()
			for _, s := range results {
				l.Failed = errors.Join(l.Failed, s.Err)
			}
			if err := a.Print(results, scanTable(results)); err != nil {
				return err
			}
			return cli.Finish(l.Failed)
		},
	}
}

// tagsInTable is the number of an image's tags in a table.
const tagsInTable = 5

func scanTable(results []*bot.Scanned) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		t := cli.Table{Painter: p}
		t.Header("NAMESPACE", "NAME", "IMAGE", "COUNT", "TAGS, DESCENDING BY BYTES")
		for _, s := range results {
			count, tags := cli.NewCell(strconv.Itoa(len(s.Tags)), cli.Plain), cli.NewCell(strings.Join(s.Tags[:min(len(s.Tags), tagsInTable)], " "), cli.Plain)
			switch {
			case s.Err != nil:
				count, tags = cli.NewCell("-", cli.Plain), cli.NewCell("failed", cli.Red)
			case s.Suspended:
				count, tags = cli.NewCell("-", cli.Plain), cli.NewCell("suspended", cli.Yellow)
			case len(s.Tags) > tagsInTable:
				tags.Text += " ..."
			}
			t.Row(cli.NewCell(s.Namespace, cli.Plain), cli.NewCell(s.Name, cli.Bold), cli.NewCell(s.Image, cli.Plain), count, tags)
		}
		return t.Write(w)
	}
}
