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
)

func newArtifactList(a *app) *cobra.Command {
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
					return usage("--filter-regex: %w", err)
				}
			}
			in, _, err := access.open(a, args[0], nil)
			if err != nil {
				return err
			}
			a.progress.show("listing " + in.Name())
			found, failed := artifact.List(cmd.Context(), in, filter)
			a.progress.done()
			if failed != nil && found == nil {
				return finish(failed)
			}
			if err := a.print(found, listedTable(found)); err != nil {
				return err
			}
			return finish(failed)
		},
	}
	access.add(cmd)
	cmd.Flags().StringVar(&semver, "filter-semver", "", "only tags that are versions in this range")
	cmd.Flags().StringVar(&pattern, "filter-regex", "", "only tags that match")
	return cmd
}

func listedTable(all []artifact.Listed) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		t.header("ARTIFACT", "DIGEST", "REVISION", "SOURCE", "TAGS")
		for _, one := range all {
			t.row(cell{one.Artifact, bold}, cell{one.Digest, plain}, cell{one.Revision, plain}, cell{one.Source, plain}, cell{strings.Join(one.Tags, " "), plain})
		}
		return t.write(w)
	}
}

func newArtifactInspect(a *app) *cobra.Command {
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
			a.progress.show("reading " + r.String())
			found, failed := artifact.Inspect(cmd.Context(), in, r)
			a.progress.done()
			if found == nil {
				return finish(failed)
			}
			if err := a.print(found, inspectionTable(found)); err != nil {
				return err
			}
			return finish(failed)
		},
	}
	access.add(cmd)
	return cmd
}

func inspectionTable(i *artifact.Inspection) func(io.Writer, painter) error {
	return func(w io.Writer, p painter) error {
		t := table{painter: p}
		row := func(what, text string) {
			if text != "" {
				t.row(cell{what, bold}, cell{text, plain})
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
		return t.write(w)
	}
}

func partWords(part artifact.Part) string {
	words := []string{part.Digest, bytesOf(part.Size), part.MediaType}
	if part.Platform != "" {
		words = append(words, part.Platform)
	}
	return strings.Join(words, ", ")
}
