package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/resolve"
)

// artifactPrefix is before the name of an OCIRepository. An ImagePolicy of a namespace
// of that name is explained with -n.
const artifactPrefix = "oci/"

// explainArtifact says what the OCIRepository of that name leads to.
func explainArtifact(a *cli.App, cmd *cobra.Command, name string, all bool) error {
	a.Artifacts = true
	l, err := cli.LoadNamed(cmd, a, cli.Artifacts, []string{name}, func(_ *fleet.Set, picked []*fleet.OCISource) cli.Needs {
		n := cli.Needs{}
		n.Add(cli.Artifacts.Name, picked[0].Name)
		return n
	})
	if err != nil {
		return err
	}
	r := l.Bot.Resolve(cmd.Context(), l.Picked[0])
	a.Progress.Done()
	limit := tagsExplained
	if all {
		limit = len(r.Tags)
	}
	if err := a.Print(r, resolution{r, limit}.write); err != nil {
		return err
	}
	if r.Err == nil && r.Signature != nil && r.Signature.Verdict != pinsetter.SignatureVerified {
		r.Err = fmt.Errorf("OCIRepository %s: Flux doesn't pull it: its verify is %s: %s", l.Picked[0].Name, r.Signature.Verdict, r.Signature.Reason)
	}
	return cli.Finish(l.Failed, r.Err)
}

// resolution prints a Resolution for people.
type resolution struct {
	*resolve.Resolution
	limit int
}

func (r resolution) write(w io.Writer, p cli.Painter) error {
	outcome := p.Paint(cli.Red, "resolves to nothing")
	if r.Revision != "" {
		outcome = "resolves to " + p.Paint(cli.Green, r.Revision)
	}
	if r.Suspended {
		outcome += ", and is " + p.Paint(cli.Yellow, "suspended")
	}
	fmt.Fprintf(w, "%s  %s  %s\n\n", p.Paint(cli.Bold, r.Namespace+"/"+r.Name), cli.Printable(r.URL), outcome)
	t := cli.Table{Painter: p}
	for _, row := range r.rows() {
		t.Row(cli.NewCell(row[0], cli.Dim), cli.NewCell(row[1], cli.Plain))
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "%s %s\n", p.Paint(cli.Yellow, "note:"), cli.Printable(note))
	}
	if len(r.Tags) == 0 {
		return nil
	}
	var tags bytes.Buffer
	if err := tagTable(&tags, p, r.Tags, r.limit); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", bytes.TrimRight(tags.Bytes(), "\n"))
	return err
}

// rows are what is known, each with its name.
func (r resolution) rows() [][2]string {
	decides := fmt.Sprintf("ref.%s %s", r.By, r.Value)
	if r.By == fleet.RefDefault {
		decides = "nothing in ref, so the tag " + r.Value
	}
	rows := [][2]string{{"decides", decides}}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, [2]string{name, value})
		}
	}
	add("is", map[resolve.Kind]string{
		resolve.KindFlux: "a Flux artifact", resolve.KindChart: "a Helm chart", resolve.KindImage: "a container image", resolve.KindArtifact: "an artifact",
	}[r.Kind])
	if r.Layer != nil {
		add("layer", fmt.Sprintf("%s, %d bytes, %s: %s", cmp.Or(r.Layer.MediaType, "of no type"), r.Layer.Size, r.Layer.Digest, r.Layer.Operation))
	}
	add("source", r.Origin.Source)
	add("revision", r.Origin.Revision)
	add("created", r.Origin.Created)
	if s := r.Signature; s != nil {
		verdict := string(s.Verdict)
		if detail := cmp.Or(s.Signer, s.Reason); detail != "" {
			verdict += ": " + detail
		}
		add("verify", s.Provider+": "+verdict)
	}
	return rows
}
