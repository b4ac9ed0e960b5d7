package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

func newExplain(a *cli.App) *cobra.Command {
	var noGit, all bool
	cmd := &cobra.Command{
		Use:   "explain NAMESPACE/NAME | oci/[NAMESPACE/]NAME",
		Short: "Say for every tag what a policy makes of it, and where the winner goes",
		Long: `Shows every tag of an ImagePolicy's repository, best first, with the stage that
dropped it: exclude (the repository's exclusionList), filter, parse, range, gate,
hold, or order for those that were only outranked. Of a tag that was seen with
several digests, these and their ages, by which a Gate's minAge goes. Then every
place in Git that the policy writes, with what stands there and what will.

Of an OCIRepository it says what Flux would pull now and why: the field of its ref
that decides, the tag and the digest, the layer, who signed it, and every tag where
a range decides. No layer is pulled.`,
		Example: `  pinsetter explain -f clusters/production flux-system/podinfo
  pinsetter explain -f clusters/production podinfo --no-git -o json
  pinsetter explain -f clusters/production oci/apps/podinfo`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usage("explain takes the name of one ImagePolicy, such as flux-system/podinfo, or of one OCIRepository, such as oci/flux-system/podinfo")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if name, isArtifact := strings.CutPrefix(args[0], artifactPrefix); isArtifact {
				return explainArtifact(a, cmd, name, all)
			}
			if err := a.OpenLedger(cmd.Context(), store.Options{ReadOnly: true}); err != nil {
				return err
			}
			l, err := cli.LoadNamed(cmd, a, cli.Policies, args, func(set *fleet.Set, picked []*fleet.Policy) cli.Needs {
				n := cli.NeedsOfPolicies(picked)
				if !noGit {
					n.AddWriters(picked[0], set.Automations)
				}
				return n
			})
			if err != nil {
				return err
			}
			writers := l.Set.Automations
			if noGit {
				writers = nil
			}
			e := l.Bot.Explain(cmd.Context(), l.Picked[0], writers)
			a.Progress.Done()
			limit := tagsExplained
			if all {
				limit = len(e.Tags)
			}
			if err := a.Print(e, explanation{e, limit, noGit, time.Now()}.write); err != nil {
				return err
			}
			return cli.Finish(l.Failed, e.Err)
		},
	}
	cmd.Flags().BoolVar(&noGit, "no-git", false, "leave out where it is written; no repository is fetched")
	cmd.Flags().BoolVarP(&all, "all", "a", false, "show every tag in the table (JSON and YAML always do)")
	return cmd
}

// tagsExplained is the number of tags in the table without --all.
const tagsExplained = 50

// explanation prints an Explanation for people.
type explanation struct {
	*bot.Explanation
	limit int
	noGit bool
	now   time.Time
}

func (e explanation) write(w io.Writer, p cli.Painter) error {
	fmt.Fprintf(w, "%s  %s  %s\n\n", p.Paint(cli.Bold, e.Namespace+"/"+e.Name), cli.Printable(e.Image), e.summary(p))
	if err := tagTable(w, p, e.Tags, e.limit); err != nil {
		return err
	}
	if err := e.digestTable(w, p); err != nil {
		return err
	}
	if e.noGit {
		return nil
	}
	if len(e.Sites) == 0 {
		_, err := fmt.Fprintf(w, "%s\n", p.Paint(cli.Dim, e.nowhere()))
		return err
	}
	return e.siteTable(w, p)
}

// nowhere says why no site is known.
func (e explanation) nowhere() string {
	switch {
	case e.Unread:
		return "its places are unknown, since not everything could be read: see the errors"
	case len(e.Idle) > 0:
		return "no automation writes it now: suspended: " + strings.Join(e.Idle, ", ")
	}
	return "no automation writes it anywhere"
}

func (e explanation) summary(p cli.Painter) string {
	switch {
	case e.Suspended:
		return p.Paint(cli.Yellow, "suspended")
	case e.Selected == "" && e.standing() != "":
		return "selects nothing better than " + p.Paint(cli.Green, e.standing()) + ", which is written"
	case e.Selected == "":
		return p.Paint(cli.Red, "selects nothing")
	}
	return "selects " + p.Paint(cli.Green, e.Selected)
}

// standing is what stands at all sites if none of them is held, else "".
func (e explanation) standing() string {
	if len(e.Sites) == 0 || e.Unread {
		return ""
	}
	for _, s := range e.Sites {
		if s.Held != "" || s.Current != e.Sites[0].Current || s.Next != s.Current {
			return ""
		}
	}
	return e.Sites[0].Current
}

// tagTable shows the first verdicts, and how many more there are.
func tagTable(w io.Writer, p cli.Painter, tags []pinsetter.Verdict, limit int) error {
	t := cli.Table{Painter: p}
	t.Header("TAG", "VALUE", "VERDICT", "STAGE", "REASON")
	for _, v := range tags[:min(limit, len(tags))] {
		value := v.Value
		if value == v.Tag {
			value = ""
		}
		s := map[pinsetter.Outcome]cli.Style{pinsetter.Selected: cli.Green, pinsetter.Rejected: cli.Dim}[v.Verdict]
		t.Row(cli.NewCell(v.Tag, s), cli.NewCell(value, s), cli.NewCell(string(v.Verdict), s), cli.NewCell(string(v.Stage), s), cli.NewCell(v.Reason, s))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	if hidden := len(tags) - limit; hidden > 0 {
		fmt.Fprintf(w, "%s\n", p.Paint(cli.Dim, fmt.Sprintf("... and %d more: --all shows them", hidden)))
	}
	_, err := fmt.Fprintln(w)
	return err
}

// digestTable shows the digests of the tags in the tagTable that had several.
func (e explanation) digestTable(w io.Writer, p cli.Painter) error {
	t := cli.Table{Painter: p}
	t.Header("TAG", "DIGEST", "FIRST SEEN", "AGE", "PLATFORMS")
	moved := false
	for _, v := range e.Tags[:min(e.limit, len(e.Tags))] {
		for _, s := range v.Digests {
			moved = true
			t.Row(cli.NewCell(v.Tag, cli.Plain), cli.NewCell(s.Digest, cli.Plain), cli.NewCell(s.First.Format(time.RFC3339), cli.Plain), cli.NewCell(age(s.First, e.now), cli.Plain), cli.NewCell(news(s), cli.Plain))
		}
	}
	if !moved {
		return nil
	}
	if err := t.Write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// news returns the platforms for which a digest brought another image: "+linux/s390x
// -linux/386 ~linux/amd64".
func news(m pinsetter.Move) string {
	var words []string
	for sign, platforms := range map[string][]string{"+": m.Added, "-": m.Removed, "~": m.Changed} {
		for _, platform := range platforms {
			words = append(words, sign+platform)
		}
	}
	slices.Sort(words) // + - ~
	return strings.Join(words, " ")
}

// age returns the time since then in its two largest units: "3d4h", "12s".
func age(since, now time.Time) string {
	d := max(now.Sub(since), 0)
	switch {
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < 24*time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	}
	hours := int(d.Hours())
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}

func (e explanation) siteTable(w io.Writer, p cli.Painter) error {
	t := cli.Table{Painter: p}
	grouped := slices.ContainsFunc(e.Sites, func(s pinsetter.Destination) bool { return s.Group != "" })
	if grouped {
		t.Header("AUTOMATION", "GROUP", "PLACE", "CURRENT", "NEXT", "")
	} else {
		t.Header("AUTOMATION", "PLACE", "CURRENT", "NEXT", "")
	}
	for _, s := range e.Sites {
		next := cli.NewCell(s.Next, cli.Green)
		switch {
		case s.Held != "":
			next.Style = cli.Yellow
		case s.Next == "":
			next = cli.NewCell("?", cli.Dim)
		case s.Next == s.Current:
			next = cli.NewCell("=", cli.Dim)
		}
		held := cli.Cell{}
		if s.Held != "" {
			held = cli.NewCell("held", cli.Yellow)
		}
		cells := []cli.Cell{
			cli.NewCell(s.Automation, cli.Plain), cli.NewCell(s.Group, cli.Plain), cli.NewCell(cli.Place(s.Path, s.Line), cli.Bold),
			cli.NewCell(s.Current, cli.Plain), next, held,
		}
		if !grouped {
			cells = slices.Delete(cells, 1, 2)
		}
		t.Row(cells...)
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, s := range e.Sites {
		if s.Unverified != "" {
			fmt.Fprintf(w, "%s %s\n", p.Paint(cli.Red, cli.Place(s.Path, s.Line)+": unverified:"), cli.Printable(s.Unverified))
		}
	}
	for _, s := range e.Sites {
		if s.Held != "" {
			fmt.Fprintf(w, "%s %s\n", p.Paint(cli.Yellow, cli.Place(s.Path, s.Line)+": held:"), cli.Printable(s.Held))
		}
	}
	return nil
}
