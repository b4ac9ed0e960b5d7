package main

import (
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
)

func newArtifactList(a *cli.App) *cobra.Command {
	var access artifactFlags
	var semver, pattern string
	cmd := &cobra.Command{
		Use:   "list oci://HOST/REPOSITORY",
		Short: "List the artifacts of a repository with their revisions",
		Long: `Lists each digest once, with all its tags: versions first, the newest on top, then
the others. Names under which registries keep signatures are left out.`,
		Example: `  pinsetter artifact list oci://ghcr.io/org/manifests/app
  pinsetter artifact list oci://ghcr.io/org/manifests/app --filter-semver '>=1.0.0'
  pinsetter artifact list oci://ghcr.io/org/manifests/app --filter-regex '^main-' -o json`,
		Args: artifactURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			filter := artifact.Filter{SemVer: semver}
			if pattern != "" {
				var err error
				if filter.Regex, err = regexp.Compile(pattern); err != nil {
					return cli.Usage("--filter-regex: %w", err)
				}
			}
			in, _, err := access.open(a, args[0], nil)
			if err != nil {
				return err
			}
			a.Progress.Show("listing " + in.Name())
			found, failed := artifact.List(cmd.Context(), in, filter)
			a.Progress.Done()
			if failed != nil && found == nil {
				return cli.Finish(failed)
			}
			if err := a.Print(found, listedTable(found)); err != nil {
				return err
			}
			return cli.Finish(failed)
		},
	}
	access.add(cmd)
	cmd.Flags().StringVar(&semver, "filter-semver", "", "only tags that are versions in this range")
	cmd.Flags().StringVar(&pattern, "filter-regex", "", "only tags that match")
	return cmd
}

func listedTable(all []artifact.Listed) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		t := cli.Table{Painter: p}
		t.Header("ARTIFACT", "DIGEST", "REVISION", "SOURCE", "TAGS")
		for _, one := range all {
			t.Row(cli.NewCell(one.Artifact, cli.Bold), cli.NewCell(one.Digest, cli.Plain), cli.NewCell(one.Revision, cli.Plain), cli.NewCell(one.Source, cli.Plain), cli.NewCell(strings.Join(one.Tags, " "), cli.Plain))
		}
		return t.Write(w)
	}
}

func newArtifactInspect(a *cli.App) *cobra.Command {
	var access artifactFlags
	cmd := &cobra.Command{
		Use:   "inspect oci://HOST/REPOSITORY[:TAG][@DIGEST]",
		Short: "Show what a reference is, and what refers to it",
		Long: `Says whether it is an image, a chart, an artifact or an index, with its annotations,
layers, platforms, signatures and other referrers. Nothing of it is verified: see
pinsetter verify.`,
		Example: `  pinsetter artifact inspect oci://ghcr.io/org/manifests/app:v0.0.1`,
		Args:    artifactURL,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, r, err := access.open(a, args[0], nil)
			if err != nil {
				return err
			}
			a.Progress.Show("reading " + r.String())
			found, failed := artifact.Inspect(cmd.Context(), in, r)
			a.Progress.Done()
			if found == nil {
				return cli.Finish(failed)
			}
			if err := a.Print(found, inspectionTable(found)); err != nil {
				return err
			}
			return cli.Finish(failed)
		},
	}
	access.add(cmd)
	return cmd
}

func inspectionTable(i *artifact.Inspection) func(io.Writer, cli.Painter) error {
	return func(w io.Writer, p cli.Painter) error {
		t := cli.Table{Painter: p}
		row := func(what, text string) {
			if text != "" {
				t.Row(cli.NewCell(what, cli.Bold), cli.NewCell(text, cli.Plain))
			}
		}
		row("url", i.URL)
		row("kind", i.Kind)
		row("media type", i.MediaType)
		row("artifact type", i.ArtifactType)
		if i.Config != nil {
			row("config", partWords(*i.Config))
		}
		for _, layer := range i.Layers {
			row("layer", partWords(layer))
		}
		for _, one := range i.Manifests {
			row("manifest", partWords(one))
		}
		row("platforms", strings.Join(i.Platforms, ", "))
		for _, key := range slices.Sorted(maps.Keys(i.Annotations)) {
			row("annotation", pinsetter.Printable(key+"="+i.Annotations[key]))
		}
		for _, one := range i.Referrers {
			row("referrer", one.String()+", "+one.Digest)
		}
		return t.Write(w)
	}
}

func partWords(part artifact.Part) string {
	words := []string{part.Digest, bytesOf(part.Size), part.MediaType}
	if part.Platform != "" {
		words = append(words, part.Platform)
	}
	return strings.Join(words, ", ")
}
