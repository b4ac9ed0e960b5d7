package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/registry"
)

func newArtifactPull(a *cli.App) *cobra.Command {
	var access artifactFlags
	var dir string
	cmd := &cobra.Command{
		Use:   "pull oci://HOST/REPOSITORY[:TAG][@DIGEST] -o DIR",
		Short: "Unpack an artifact into a folder",
		Long: `Pulls the artifact's content, its first layer, checks it against its digest, and
writes its files below --output: files that are there are replaced, others stay.
Links, devices and names that lead out of the folder are not written.`,
		Example: `  pinsetter artifact pull oci://ghcr.io/org/manifests/app:v0.0.1 --output ./manifests`,
		Args:    artifactURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return cli.Usage("--output is required: the folder to unpack into")
			}
			from, r, err := access.open(a, args[0], nil)
			if err != nil {
				return err
			}
			content, err := artifact.Open(cmd.Context(), from, r)
			if err != nil {
				return cli.Finish(err)
			}
			content.Coming = showMoves(a, "pulling "+r.String())
			done, err := content.Unpack(cmd.Context(), dir)
			a.Progress.Done()
			if len(done.Left) > 0 {
				a.Say("note", "left out, since only files are unpacked: "+list(done.Left))
			}
			if content.Layers > 1 {
				a.Say("note", fmt.Sprintf("only the first of %s is unpacked", pinsetter.Count(content.Layers, "layer")))
			}
			if err != nil {
				return cli.Finish(err)
			}
			return printPulled(a, content, fmt.Sprintf("%s in %s", pinsetter.Count(done.Files, "file"), dir))
		},
	}
	access.add(cmd)
	cmd.Flags().StringVarP(&dir, "output", "o", "", "the folder to unpack into; it is made if it isn't there")
	_ = cmd.Flags().SetAnnotation("output", cli.CommandLineOnly, []string{"true"}) // it is there
	return cmd
}

// printPulled says for people what was pulled. There is no other form: -o is the folder.
func printPulled(a *cli.App, c *artifact.Content, to string) error {
	t := cli.Table{Painter: a.Painter(a.Out)}
	for _, row := range [][2]string{{"source", c.Source}, {"revision", c.Revision}, {"created", c.Created}, {"digest", c.Digest}, {"unpacked", to}} {
		t.Row(cli.NewCell(row[0], cli.Bold), cli.NewCell(row[1], cli.Plain))
	}
	return t.Write(a.Out)
}

func newArtifactTag(a *cli.App) *cobra.Command {
	var access artifactFlags
	var tags []string
	cmd := &cobra.Command{
		Use:     "tag oci://HOST/REPOSITORY[:TAG][@DIGEST] --tag TAG",
		Short:   "Give an artifact further tags",
		Long:    `Makes tags of the repository name what the URL names. A tag that names something else moves.`,
		Example: `  pinsetter artifact tag oci://ghcr.io/org/manifests/app:v0.0.1 --tag latest --tag stable`,
		Args:    artifactURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(tags) == 0 {
				return cli.Usage("--tag is required: the tag to give")
			}
			for _, tag := range tags {
				if !pinsetter.ValidTag(tag) {
					return cli.Usage("--tag %q is not a tag", tag)
				}
			}
			in, r, err := access.open(a, args[0], func(access *registry.Access) { access.Write = true })
			if err != nil {
				return err
			}
			digest, failed := artifact.Tag(cmd.Context(), in, r, tags)
			if digest == "" {
				return cli.Finish(failed)
			}
			done := tagged{artifact.Reference{Repository: in.Name(), Digest: digest}.String(), in.Name(), tags, digest}
			if failed == nil {
				failed = a.Print(done, func(w io.Writer, p cli.Painter) error {
					for _, tag := range tags {
						fmt.Fprintf(w, "%s %s:%s@%s\n", p.Paint(cli.Green, "tagged"), done.Repository, tag, digest)
					}
					return nil
				})
			}
			return cli.Finish(failed)
		},
	}
	access.add(cmd)
	cmd.Flags().StringSliceVar(&tags, "tag", nil, "a tag to give (repeatable)")
	return cmd
}

// tagged is the result of tag.
type tagged struct {
	URL        string   `json:"url"`
	Repository string   `json:"repository"`
	Tags       []string `json:"tags"`
	Digest     string   `json:"digest"`
}
