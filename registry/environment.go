package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pinsetter/pinsetter/login"
)

// environmentMemory is how long a credential helper's answer is reused. The
// shortest-lived cloud tokens (Azure's) are valid for an hour or more.
const environmentMemory = 10 * time.Minute

// environmentCredential returns the credential for the repository from the
// environment's Docker or Podman configuration: the credential helper's answer
// if the host has a helper, else the file's entry, else the zero credential. An
// unreadable configuration or a failing helper is an error, because an
// anonymous scan could make a private image look missing.
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
	file, config, err := r.environment()
	if err != nil || file == "" {
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
		found, err := askHelper(ctx, host, key, "docker-credential-"+helper)
		return found, r.options.Now().Add(environmentMemory), err
	})
}

// fileMemory is how long the environment's configuration file isn't read again, so
// that it is read once for many images, and a new login still counts at once.
const fileMemory = time.Second

// environment returns the environment's configuration file and what is in it; the
// path is "" if there is none.
func (r *Registry) environment() (string, dockerConfig, error) {
	type read struct {
		file   string
		config dockerConfig
	}
	const key = "environment's file"
	m, ok := r.remembers(key)
	if !ok {
		found := read{file: environmentFile()}
		m = memory{until: r.options.Now().Add(fileMemory)}
		if found.file != "" {
			found.config, m.err = readEnvironment(found.file)
		}
		m.value = found
		r.remember(key, m)
	}
	found, err := as[read](m)
	return found.file, found.config, err
}

// notFound is the credential helpers' message for "no credential"
// (github.com/docker/docker-credential-helpers, credentials/error.go).
const notFound = "credentials not found in native keychain"

// askHelper runs a credential helper for the registry, in the protocol of
// https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol.
// go-containerregistry's keychain runs helpers one at a time without a
// deadline, so one that hangs would stop everything; this one ends with ctx.
// Errors never include the helper's output: it may hold the secret even if the
// helper fails.
func askHelper(ctx context.Context, host, key, program string) (credential, error) {
	command := exec.CommandContext(ctx, program, "get")
	command.Env = login.HelperEnviron(os.Environ())
	command.Stdin = strings.NewReader(key)
	command.WaitDelay = time.Second
	out, err := command.Output()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil && strings.TrimSpace(string(out)) == notFound {
		return credential{}, nil
	}
	var found credential
	if err == nil {
		found, err = readHelper(out)
	}
	if err != nil {
		return credential{}, fmt.Errorf("ask credential helper %s for %s: %w; try `echo %s | %s get`, or take it out of the Docker configuration",
			program, host, err, key, program)
	}
	if found != (credential{}) {
		found.source = "credential helper " + program
	}
	return found, nil
}

// readHelper parses the answer of a credential helper; one without a secret is the
// zero credential.
func readHelper(out []byte) (credential, error) {
	var answer struct{ Username, Secret string }
	if json.Unmarshal(out, &answer) != nil {
		return credential{}, errors.New("it answers with something that is not JSON")
	}
	var found credential
	switch {
	case answer.Secret == "":
	case answer.Username == "<token>":
		found.config.IdentityToken = answer.Secret
	default:
		found.config.Username, found.config.Password = answer.Username, answer.Secret
	}
	return found, nil
}

// environmentFile returns the path of the configuration file, in the order of
// go-containerregistry's keychain: Docker's, then Podman's, "" if there is
// none.
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

// within joins path to folder. It returns "" if folder is "".
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

// readEnvironment reads the configuration file. A missing file counts as empty:
// DOCKER_CONFIG may name a folder without one.
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
