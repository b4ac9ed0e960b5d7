package message

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// ErrTooLong says that a body doesn't fit into its limit, even without its
// lists.
var ErrTooLong = errors.New("the body is too long")

// Body returns the Markdown of a pull request, at most limit bytes: the
// object's own text, a table of the changes, the sources of the images, the
// holds, and instructions. Rows that don't fit are counted instead. Text from
// registries and files is in code spans, so that it can't make links or
// mentions.
func (t *Texts) Body(p Proposal, limit int) (string, error) {
	intro, err := t.render("spec.body", t.body, p)
	if err != nil {
		return "", err
	}
	if intro = strings.TrimSpace(intro); intro != "" {
		intro += "\n\n"
	}
	end := "\n" + p.steering(t.pullRequest)
	left := limit - len(intro) - len(end)
	if left < minTable {
		return "", fmt.Errorf("PullRequest %s: spec.body: %w: it renders to %d bytes, and %d fit beside the table", t.pullRequest, ErrTooLong, len(intro), limit-len(end)-minTable)
	}
	images := list(left/4, "\n### Images\n\n", p.origins(), "images")
	held := list(left/4, "\n### Held\n\nBetter candidates exist for these, and are not proposed:\n\n", p.holds(), "holds")
	table := list(left-len(images)-len(held), "| Object | File | From | To | Policy |\n|---|---|---|---|---|\n", p.rows(), "changes")
	return intro + table + images + held + end, nil
}

// minTable is the least room for the lists, in bytes.
const minTable = 4 << 10

// list returns a heading and as many rows as fit into limit bytes, "" if there
// are none. It counts the rest; what is the noun for them.
func list(limit int, heading string, rows []string, what string) string {
	const room = 64 // for the line that counts the rest
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(heading)
	for i, row := range rows {
		if b.Len()+len(row)+room > limit {
			fmt.Fprintf(&b, "\n…and %d more %s.\n", len(rows)-i, what)
			break
		}
		b.WriteString(row)
	}
	return b.String()
}

// rows returns a table row for each change, by path and line.
func (p Proposal) rows() []string {
	changes := slices.Clone(p.Changes)
	slices.SortStableFunc(changes, func(a, b pinsetter.Change) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	rows := make([]string, len(changes))
	for i, c := range changes {
		object := ""
		if c.Object.Kind != "" {
			object = cell(strings.TrimSpace(c.Object.Kind + " " + strings.TrimPrefix(c.Object.Namespace+"/"+c.Object.Name, "/")))
		}
		policy := policyOf(c.Setter)
		taken := cell(policy)
		if of := p.Ranges[policy]; of != "" {
			taken += " " + cell(of)
		}
		rows[i] = fmt.Sprintf("| %s | %s | %s | %s | %s |\n", object, cell(fmt.Sprintf("%s:%d", c.Path, c.Line)), cell(c.Old), cell(c.New), taken)
	}
	return rows
}

// policyOf returns "namespace/name" of a setter.
func policyOf(setter string) string {
	namespace, rest, _ := strings.Cut(setter, ":")
	name, _, _ := strings.Cut(rest, ":")
	return namespace + "/" + name
}

// origins returns a line for each image.
func (p Proposal) origins() []string {
	var lines []string
	for _, image := range p.distinct() {
		line := "- " + code(image.String())
		if b := p.build(image); b != nil {
			line += b.describe()
		}
		lines = append(lines, line+"\n")
	}
	return lines
}

// describe returns a text about where a build comes from.
func (b *Build) describe() string {
	from := Inert(b.Provenance)
	for _, text := range []*string{&from.Source, &from.Revision, &from.Signer, &from.Builder, &from.BuiltFrom} {
		*text = code(*text)
	}
	s := from.String()
	switch {
	case strings.HasPrefix(s, "built "), strings.HasPrefix(s, "signed "):
		s = ", " + s
	case s != "":
		s = " " + s
	}
	if b.Compare != "" {
		s += fmt.Sprintf(": [what changed](%s)", b.Compare)
	}
	return s
}

// holds returns a line for each hold.
func (p Proposal) holds() []string {
	var lines []string
	for _, h := range p.Held {
		line := fmt.Sprintf("- %s at %s: %s stays, %s is held", code(h.Policy), code(fmt.Sprintf("%s:%d", h.Path, h.Line)), code(h.Current), code(h.Candidate))
		reason := h.Reason
		if !h.Until.IsZero() {
			// A reason that ends with time contains a duration, which would
			// change the body in every run. Its first words name the gate.
			reason, _, _ = strings.Cut(reason, ": ")
			line += " until " + h.Until.UTC().Format(time.DateTime) + " UTC"
		}
		lines = append(lines, line+": "+code(reason)+"\n")
	}
	return lines
}

// steering returns instructions for people.
func (p Proposal) steering(pullRequest pinsetter.Name) string {
	return fmt.Sprintf(`---
- Close this pull request to refuse these versions: they are not proposed again, higher ones are.
- A Gate with %s keeps a version from being written; a narrower range in the policy pins it.
- A commit of somebody else on the branch stops the updates of it.

Proposed by Pinsetter for %s, as %s says.
`, "`spec.hold`", code("ImageUpdateAutomation "+p.Automation.String()), code("PullRequest "+pullRequest.String()))
}

// cell returns text as code for a table, in which a "|" ends a cell even in a
// code span.
func cell(text string) string { return strings.ReplaceAll(code(text), "|", `\|`) }

// code returns text as a code span in one line. Whatever the text is, it can't
// make links, mention anybody or end the span. For "" it returns "".
func code(text string) string {
	text = strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))), " ")
	if text == "" {
		return ""
	}
	longest, run := 0, 0
	for _, r := range text {
		if run++; r != '`' {
			run = 0
		}
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}
