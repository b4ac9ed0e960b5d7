package adopting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/migrate/oci"
	"github.com/pinsetter/pinsetter/resolve"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
)

func newMigrateOCI(a *cli.App) *cobra.Command {
	var dir, provider, secret string
	var artifacts []string
	var write bool
	cmd := &cobra.Command{
		Use:   "oci",
		Short: "Let Flux's objects take what they pull from OCI artifacts",
		Long: `Reads Flux's objects below a directory, and prints as a diff how they pull from
OCIRepositories instead: a HelmRelease the chart of a HelmRepository of type oci, by a
chartRef, and a Kustomization the content of a GitRepository for which --artifact names
the artifact that CI pushes. Each OCIRepository is written beside the source whose
place it takes, with its login, and must answer: what it leads to now is asked as Flux
asks. Then it lists every object with what becomes of it, or why it stays, and what is
to do beside.

Markers, comments and all other bytes stay. Sources are not removed.`,
		Example: `  pinsetter migrate oci
  pinsetter migrate oci --artifact flux-system/fleet=oci://ghcr.io/org/fleet:latest
  pinsetter migrate oci --artifact flux-system/fleet=oci://ghcr.io/org/fleet:latest//deploy --write`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			named, err := parseMoved(artifacts, provider, secret)
			if err != nil {
				return err
			}
			work, err := cli.FindWorkTree(dir)
			if err != nil {
				return cli.Finish(err)
			}
			files, failed, err := fluxFiles(cmd.Context(), dir)
			if err != nil {
				return err
			}
			r, silent := translateOCI(cmd.Context(), a, dir, files, named)
			if write {
				if err := writeEdits(dir, r.Edits); err != nil {
					return cli.Finish(failed, err)
				}
			}
			if len(r.Entries) == 0 {
				a.Say("warning", fmt.Sprintf("no HelmRelease or Kustomization in %s pulls from a HelmRepository or GitRepository: say with --dir where they are", dir))
			}
			shown := &migrate.Result{Entries: r.Entries, Edits: r.Edits, Off: r.Steps}
			if err := a.Print(append([]migrate.Entry{}, r.Entries...), migration(a, shown, work.Folder, "What is to do beside:", write)); err != nil {
				return err
			}
			if a.Output != "table" {
				for _, step := range r.Steps {
					a.Say("to do", step)
				}
			}
			return cli.Finish(failed, silent)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "directory whose objects are moved")
	cmd.Flags().StringArrayVar(&artifacts, "artifact", nil, "the artifact that has the content of a GitRepository, `NAMESPACE/NAME=oci://HOST/REPO:TAG`, or of a folder of it: …//FOLDER (repeatable)")
	cmd.Flags().StringVar(&provider, "provider", "", "spec.provider of the OCIRepositories of --artifact: aws, azure or gcp")
	cmd.Flags().StringVar(&secret, "secret", "", "spec.secretRef of the OCIRepositories of --artifact")
	cmd.Flags().BoolVar(&write, "write", false, "write the files instead of printing the diff")
	return cmd
}

// parseMoved reads the values of --artifact.
func parseMoved(texts []string, provider, secret string) ([]oci.Artifact, error) {
	var named []oci.Artifact
	for _, text := range texts {
		git, at, ok := strings.Cut(text, "=")
		if !ok || git == "" {
			return nil, cli.Usage("--artifact %q: write NAMESPACE/NAME=oci://HOST/REPO:TAG, with the name of a GitRepository", text)
		}
		scheme, rest, _ := strings.Cut(at, "://")
		url, below, _ := strings.Cut(rest, "//")
		r, err := artifact.ParseReference(scheme + "://" + url)
		if err != nil {
			return nil, cli.Usage("--artifact: %w", err)
		}
		if r.Digest != "" {
			return nil, cli.Usage("--artifact %q: a digest never moves, so write the tag that CI moves", text)
		}
		a := oci.Artifact{Repository: r.Repository, Tag: r.Tag, Path: strings.Trim(path.Clean("/"+below), "/"), Provider: provider, Secret: secret}
		if namespace, name, qualified := strings.Cut(git, "/"); qualified {
			a.Git = pinsetter.Name{Namespace: namespace, Name: name}
		} else {
			a.Git.Name = git
		}
		if slices.ContainsFunc(named, func(b oci.Artifact) bool { return a.Git == b.Git }) {
			return nil, cli.Usage("--artifact: GitRepository %s has two", git)
		}
		named = append(named, a)
	}
	if (provider != "" || secret != "") && len(named) == 0 {
		return nil, cli.Usage("--provider and --secret are for what --artifact names; a chart keeps the login of its HelmRepository")
	}
	return named, nil
}

// fluxFiles returns the YAML files below a directory. A file that can't be read is
// part of failed.
func fluxFiles(ctx context.Context, dir string) (files []migrate.File, failed, err error) {
	f, err := folder.Open(dir)
	if err != nil {
		return nil, nil, cli.Finish(err)
	}
	defer f.Close()
	options := folder.Options{Want: setters.IsCandidate, MaxSize: setters.MaxSize}
	files, failed = folder.Each(ctx, f, options, func(path string, data []byte) (migrate.File, bool) {
		return migrate.File{Path: path, Data: slices.Clone(data)}, true
	})
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	return files, failed, nil
}

// translateOCI translates the files, without the OCIRepositories that don't answer.
// The error says that there are any.
func translateOCI(ctx context.Context, a *cli.App, dir string, files []migrate.File, named []oci.Artifact) (*oci.Result, error) {
	o := oci.Options{Artifacts: named}
	r := oci.Translate(files, o)
	o.Refused = refusedBy(ctx, a, dir, r.Sources)
	if len(o.Refused) == 0 {
		return r, nil
	}
	return oci.Translate(files, o), fmt.Errorf("%s of OCI can't be pulled yet, so what would pull from there stays as it is", pinsetter.Count(len(o.Refused), "source"))
}

// refusedBy asks what OCIRepositories lead to, and says of each that can't be pulled
// why.
func refusedBy(ctx context.Context, a *cli.App, dir string, sources []oci.Source) map[string]string {
	refused := map[string]string{}
	if len(sources) == 0 {
		return refused
	}
	var there []source.File
	if len(a.Filenames)+len(a.Kustomize) > 0 {
		there = a.Read(ctx).Files
	} else {
		there, _ = source.ReadPath(dir, a.MayHold()) // what can't be read is said already
	}
	for _, s := range sources {
		if err := artifactAnswers(ctx, a, there, s); err != nil {
			refused[s.Key] = err.Error()
		}
	}
	a.Progress.Done()
	return refused
}

// artifactAnswers returns nil if an OCIRepository leads to something that Flux can pull,
// with the Secrets that are there.
func artifactAnswers(ctx context.Context, a *cli.App, there []source.File, s oci.Source) error {
	const here = "the OCIRepository to write"
	options := a.Loading()
	options.Artifacts = true
	set := config.Load(append(slices.Clone(there), source.File{Path: here, Data: s.Document}), options)
	i := slices.IndexFunc(set.Artifacts, func(o *fleet.OCISource) bool { return o.Origin.Path == here })
	if i < 0 {
		return errors.New("its OCIRepository can't be read")
	}
	r := a.Bot(set).Resolve(ctx, set.Artifacts[i])
	chart := set.Artifacts[i].Spec.LayerSelector != nil
	switch {
	case r.Err != nil:
		return fmt.Errorf("%s can't be pulled: %w", r.URL, r.Err)
	case r.Signature != nil && r.Signature.Verdict != pinsetter.SignatureVerified:
		return fmt.Errorf("%s isn't signed as verify demands: %s", r.URL, cmp.Or(r.Signature.Reason, string(r.Signature.Verdict)))
	case chart && r.Kind != resolve.KindChart:
		return fmt.Errorf("%s at %s is no Helm chart", r.URL, r.Revision)
	case !chart && r.Kind != resolve.KindFlux:
		return fmt.Errorf("%s at %s is no artifact of Flux: push it with pinsetter artifact push", r.URL, r.Revision)
	}
	return nil
}
