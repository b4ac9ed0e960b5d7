package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// environmentMemory is for how long a credential helper's answer is used. The
// shortest-lived cloud tokens (Azure's) hold for an hour or more.
const environmentMemory = 10 * time.Minute

// environmentCredential returns what the environment's Docker or Podman
// configuration has for the repository: what the host's credential helper
// answers where one is set, else the entry of a file. It is the zero credential
// where there is none. A configuration that can't be read and a helper that fails are
// errors: a scan that goes on without a name would look like a missing image.
func (r *Registry) environmentCredential(ctx context.Context, repository name.Repository) (credential, error) {
	if document := os.Getenv("DOCKER_AUTH_CONFIG"); document != "" {
		config, err := parseDockerConfig([]byte(document))
		if err != nil {
			return credential{}, fmt.Errorf("read DOCKER_AUTH_CONFIG: %w", err)
		}
		if found, err := config.credential(repository, "DOCKER_AUTH_CONFIG"); err != nil || found.source != "" {
			return found, err
		}
	}
	file := environmentFile()
	if file == "" {
		return credential{}, nil
	}
	config, err := readEnvironment(file)
	if err != nil {
		return credential{}, err
	}
	host := repository.RegistryStr()
	key := host
	if host == name.DefaultRegistry {
		key = authn.DefaultAuthKey
	}
	helper := cmp.Or(config.CredHelpers[key], config.CredsStore)
	if helper == "" {
		return config.credential(repository, file)
	}
	return once(ctx, r, "environment "+host, "credential helper docker-credential-"+helper, func(ctx context.Context) (credential, time.Time, error) {
		found, err := askHelper(ctx, repository.Registry, "docker-credential-"+helper)
		return found, r.options.Now().Add(environmentMemory), err
	})
}

// askHelper asks the credential helper that the configuration names for the
// registry. The helper's own words are left out of the error: on some of them
// standard output holds the answer even when they fail.
func askHelper(ctx context.Context, registry name.Registry, program string) (credential, error) {
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	answers := make(chan answer, 1)
	go func() { // the keychain doesn't heed ctx
		auth, err := authn.DefaultKeychain.Resolve(registry)
		answers <- answer{auth, err}
	}()
	select {
	case <-ctx.Done():
		return credential{}, fmt.Errorf("ask credential helper %s for %s: %w", program, registry, context.Cause(ctx))
	case got := <-answers:
		if got.err != nil {
			return credential{}, fmt.Errorf("ask credential helper %s for %s: %w; run `echo %s | %s get` to see why, or remove it from the Docker configuration",
				program, registry, errors.New("it failed or is not installed"), registry, program)
		}
		if got.auth == authn.Anonymous {
			return credential{}, nil
		}
		config, err := got.auth.Authorization()
		if err != nil {
			return credential{}, fmt.Errorf("ask credential helper %s for %s: %w", program, registry, err)
		}
		return credential{source: "credential helper " + program, config: *config}, nil
	}
}

// environmentFile returns the configuration file that authn.DefaultKeychain
// reads, in its order; "" where there is none.
func environmentFile() string {
	home, _ := os.UserHomeDir()
	docker := filepath.Join(home, ".docker")
	chosen := cmp.Or(os.Getenv("DOCKER_CONFIG"), docker)
	if isFile(filepath.Join(docker, "config.json")) || isFile(filepath.Join(chosen, "config.json")) {
		return filepath.Join(chosen, "config.json")
	}
	for _, file := range []string{
		os.Getenv("REGISTRY_AUTH_FILE"),
		within(os.Getenv("XDG_RUNTIME_DIR"), "containers/auth.json"),
		within(cmp.Or(os.Getenv("XDG_CONFIG_HOME"), within(home, ".config")), "containers/auth.json"),
	} {
		if isFile(file) {
			return file
		}
	}
	return ""
}

// within joins the path to the folder; it returns "" for no folder.
func within(folder, path string) string {
	if folder == "" {
		return ""
	}
	return filepath.Join(folder, path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// readEnvironment reads the configuration file. One that isn't there is empty:
// DOCKER_CONFIG may name a folder without any.
func readEnvironment(file string) (dockerConfig, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return dockerConfig{}, nil
	}
	if err != nil {
		return dockerConfig{}, fmt.Errorf("read Docker configuration: %w", err)
	}
	config, err := parseDockerConfig(data)
	if err != nil {
		return dockerConfig{}, fmt.Errorf("read Docker configuration %s: %w", file, err)
	}
	return config, nil
}
