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
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

func newExplain(a *app) *cobra.Command {
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
				return usage("explain takes the name of one ImagePolicy, such as flux-system/podinfo, or of one OCIRepository, such as oci/flux-system/podinfo")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if name, isArtifact := strings.CutPrefix(args[0], artifactPrefix); isArtifact {
				return a.explainArtifact(cmd, name, all)
			}
			if err := a.openLedger(cmd.Context(), store.Options{ReadOnly: true}); err != nil {
				return err
			}
			l, err := loadNamed(cmd, a, policies, args, func(set *fleet.Set, picked []*fleet.Policy) needs {
				n := needsOfPolicies(picked)
				if !noGit {
					n.addWriters(picked[0], set.Automations)
				}
				return n
			})
			if err != nil {
				return err
			}
			writers := l.set.Automations
			if noGit {
				writers = nil
			}
			e := l.bot.Explain(cmd.Context(), l.picked[0], writers)
			a.progress.done()
			limit := tagsExplained
			if all {
				limit = len(e.Tags)
			}
			if err := a.print(e, explanation{e, limit, noGit, time.Now()}.write); err != nil {
				return err
			}
			return finish(l.failed, e.Err)
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

func (e explanation) write(w io.Writer, p painter) error {
	fmt.Fprintf(w, "%s  %s  %s\n\n", p.paint(bold, e.Namespace+"/"+e.Name), printable(e.Image), e.summary(p))
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
		_, err := fmt.Fprintf(w, "%s\n", p.paint(dim, e.nowhere()))
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

func (e explanation) summary(p painter) string {
	switch {
	case e.Suspended:
		return p.paint(yellow, "suspended")
	case e.Selected == "" && e.standing() != "":
		return "selects nothing better than " + p.paint(green, e.standing()) + ", which is written"
	case e.Selected == "":
		return p.paint(red, "selects nothing")
	}
	return "selects " + p.paint(green, e.Selected)
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
func tagTable(w io.Writer, p painter, tags []pinsetter.Verdict, limit int) error {
	t := table{painter: p}
	t.header("TAG", "VALUE", "VERDICT", "STAGE", "REASON")
	for _, v := range tags[:min(limit, len(tags))] {
		value := v.Value
		if value == v.Tag {
			value = ""
		}
		s := map[pinsetter.Outcome]style{pinsetter.Selected: green, pinsetter.Rejected: dim}[v.Verdict]
		t.row(cell{v.Tag, s}, cell{value, s}, cell{string(v.Verdict), s}, cell{string(v.Stage), s}, cell{v.Reason, s})
	}
	if err := t.write(w); err != nil {
		return err
	}
	if hidden := len(tags) - limit; hidden > 0 {
		fmt.Fprintf(w, "%s\n", p.paint(dim, fmt.Sprintf("... and %d more: --all shows them", hidden)))
	}
	_, err := fmt.Fprintln(w)
	return err
}

// digestTable shows the digests of the tags in the tagTable that had several.
func (e explanation) digestTable(w io.Writer, p painter) error {
	t := table{painter: p}
	t.header("TAG", "DIGEST", "FIRST SEEN", "AGE", "PLATFORMS")
	moved := false
	for _, v := range e.Tags[:min(e.limit, len(e.Tags))] {
		for _, s := range v.Digests {
			moved = true
			t.row(cell{v.Tag, plain}, cell{s.Digest, plain}, cell{s.First.Format(time.RFC3339), plain}, cell{age(s.First, e.now), plain}, cell{news(s), plain})
		}
	}
	if !moved {
		return nil
	}
	if err := t.write(w); err != nil {
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

func (e explanation) siteTable(w io.Writer, p painter) error {
	t := table{painter: p}
	grouped := slices.ContainsFunc(e.Sites, func(s pinsetter.Destination) bool { return s.Group != "" })
	if grouped {
		t.header("AUTOMATION", "GROUP", "PLACE", "CURRENT", "NEXT", "")
	} else {
		t.header("AUTOMATION", "PLACE", "CURRENT", "NEXT", "")
	}
	for _, s := range e.Sites {
		next := cell{s.Next, green}
		switch {
		case s.Held != "":
			next.style = yellow
		case s.Next == "":
			next = cell{"?", dim}
		case s.Next == s.Current:
			next = cell{"=", dim}
		}
		held := cell{}
		if s.Held != "" {
			held = cell{"held", yellow}
		}
		cells := []cell{{s.Automation, plain}, {s.Group, plain}, {place(s.Path, s.Line), bold}, {s.Current, plain}, next, held}
		if !grouped {
			cells = slices.Delete(cells, 1, 2)
		}
		t.row(cells...)
	}
	if err := t.write(w); err != nil {
		return err
	}
	for _, s := range e.Sites {
		if s.Unverified != "" {
			fmt.Fprintf(w, "%s %s\n", p.paint(red, place(s.Path, s.Line)+": unverified:"), printable(s.Unverified))
		}
	}
	for _, s := range e.Sites {
		if s.Held != "" {
			fmt.Fprintf(w, "%s %s\n", p.paint(yellow, place(s.Path, s.Line)+": held:"), printable(s.Held))
		}
	}
	return nil
}
