package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/registry"
)

func newArtifact(a *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "artifact",
		Short: "Push, pull, tag, list, compare and inspect OCI artifacts, as Flux packages them",
		Long: `Has the arguments of the flux command: write "pinsetter artifact push" for
"flux push artifact", "pinsetter artifact list" for "flux list artifacts", and so on.`,
		SuggestionsMinimumDistance: 2, // cobra's own default
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			meant := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				meant = "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return cli.Usage("%s %q: there is no such command%s", cmd.CommandPath(), args[0], meant)
		},
	}
	cmd.AddCommand(newArtifactPush(a), newArtifactPull(a), newArtifactTag(a), newArtifactList(a), newArtifactDiff(a), newArtifactInspect(a))
	return cmd
}

// genericProvider is Flux's word for no cloud.
const genericProvider = "generic"

// artifactFlags are the flags of every artifact command: how to reach the registry.
type artifactFlags struct {
	creds    string
	provider string
	insecure bool
}

func (f *artifactFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.creds, "creds", "", "login at the registry: `USER:PASSWORD`, or a token (default: Docker's configuration and credential helpers)")
	cmd.Flags().StringVar(&f.provider, "provider", genericProvider, "log in as the identity of this machine: aws, azure, gcp, or generic for none")
	cmd.Flags().BoolVar(&f.insecure, "insecure-registry", false, "allow a registry without TLS")
}

// artifactURL returns the check of the arguments of an artifact command: one URL.
func artifactURL(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return cli.Usage("%s takes one URL, such as oci://ghcr.io/org/app:1.2.3", cmd.CommandPath())
	}
	return nil
}

// access returns how the flags say to reach a repository.
func (f *artifactFlags) access(repository string) (registry.Access, error) {
	access := registry.Access{Insecure: f.insecure, LoginAdvice: "give --creds or --provider"}
	providers := []string{genericProvider, login.AWS, login.Azure, login.GCP}
	switch {
	case !slices.Contains(providers, f.provider):
		return access, cli.Usage("--provider %q: write one of %s", f.provider, strings.Join(providers, ", "))
	case f.provider != genericProvider && f.creds != "":
		return access, cli.Usage("--creds and --provider %s exclude each other", f.provider)
	case f.provider != genericProvider:
		access.Provider = f.provider
	case f.creds != "":
		document, err := credsDocument(repository, f.creds)
		if err != nil {
			return access, err
		}
		access.DockerConfigs = []pinsetter.Secret{document}
	}
	return access, nil
}

// credsDocument returns the Docker configuration with one login, which is for the
// registry of the repository alone.
func credsDocument(repository, creds string) (pinsetter.Secret, error) {
	name, err := registry.Canonical(repository)
	if err != nil {
		return pinsetter.Secret{}, err
	}
	host, _, _ := strings.Cut(name, "/")
	auth := map[string]string{"registrytoken": creds}
	if user, password, both := strings.Cut(creds, ":"); both {
		auth = map[string]string{"username": user, "password": password}
	}
	document, err := json.Marshal(map[string]any{"auths": map[string]any{host: auth}})
	return pinsetter.NewSecret("--creds", string(document)), err
}

// open returns the access to the repository of an artifact's URL. How may change what
// the flags say; nil: nothing.
func (f *artifactFlags) open(a *cli.App, url string, how func(*registry.Access)) (*registry.Repository, artifact.Reference, error) {
	r, err := artifact.ParseReference(url)
	if err != nil {
		return nil, r, cli.Usage("%w", err)
	}
	access, err := f.access(r.Repository)
	if err != nil {
		return nil, r, err
	}
	if how != nil {
		how(&access)
	}
	client := a.BotOptions(registry.Options{Concurrency: a.Concurrency, UserAgent: a.UserAgent()}).Registry
	repository, err := client.Repository(r.Repository, access)
	if err != nil {
		return nil, r, cli.Usage("%w", err)
	}
	return repository, r, nil
}

// mib is what progress counts in.
const mib = 1 << 20

// showMoves returns a function that shows how many bytes moved, once for each MiB.
func showMoves(a *cli.App, what string) func(moved, of int64) {
	shown := int64(-1)
	return func(moved, of int64) {
		if now := moved / mib; now != shown {
			shown = now
			a.Progress.Show(fmt.Sprintf("%s: %d of %d MiB", what, now, (of+mib-1)/mib))
		}
	}
}
