package registry_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// environment makes a home without any configuration but these files, with
// helpers in PATH. It returns the home.
func environment(t *testing.T, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for _, key := range []string{"DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(key, "")
	}
	t.Setenv("HOME", home)
	t.Setenv("PATH", filepath.Join(home, "bin")+":/usr/bin:/bin")
	for path, content := range files {
		full := filepath.Join(home, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func TestTagsWithTheEnvironment(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: password}})
	server.SetTags("app", "1.0.0")
	entry := fmt.Sprintf(`{"auths":{%q:{"username":"bot","password":%q}}}`, server.Addr, password)
	helper := "#!/bin/sh\nread host\necho \"$host\" >> " + "\"$HOME/asked\"" +
		"\nprintf '{\"Username\":\"bot\",\"Secret\":\"" + password + "\"}'\n"
	with := func(name string) string { return fmt.Sprintf(`{"credHelpers":{%q:%q}}`, server.Addr, name) }
	environments := func(t *testing.T, file, content string) string {
		return environment(t, map[string]string{
			file:                           content,
			"bin/docker-credential-works":  helper,
			"bin/docker-credential-broken": "#!/bin/sh\necho " + password + "; exit 1\n",
			"bin/docker-credential-empty":  "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n",
			"bin/docker-credential-hangs":  "#!/bin/sh\nexec sleep 60\n",
		})
	}
	for name, test := range map[string]struct {
		file, content, variable string
		want                    string // "": it works
	}{
		"Docker's file":     {"docker/config.json", entry, "DOCKER_CONFIG=docker", ""},
		"Podman's file":     {"run/containers/auth.json", entry, "XDG_RUNTIME_DIR=run", ""},
		"Podman's own file": {"auth.json", entry, "REGISTRY_AUTH_FILE=auth.json", ""},
		"a path":            {"auth.json", strings.Replace(entry, server.Addr, server.Addr+"/app", 1), "REGISTRY_AUTH_FILE=auth.json", ""},
		"helper":            {"docker/config.json", with("works"), "DOCKER_CONFIG=docker", ""},
		"store":             {"docker/config.json", `{"credsStore":"works"}`, "DOCKER_CONFIG=docker", ""},
		"nothing":           {"unused", "", "DOCKER_CONFIG=docker", "it was asked without credentials"},
		"malformed":         {"docker/config.json", `{"auths":` + password, "DOCKER_CONFIG=docker", "docker/config.json: not valid JSON at byte"},
		"no such helper": {"docker/config.json", with("missing"), "DOCKER_CONFIG=docker",
			"list tags of HOST/app: ask credential helper docker-credential-missing for HOST: exec: \"docker-credential-missing\": executable file not found in $PATH; try `echo HOST | docker-credential-missing get`"},
		"broken helper": {"docker/config.json", with("broken"), "DOCKER_CONFIG=docker", "ask credential helper docker-credential-broken for HOST: exit status 1; try"},
		"empty helper":  {"docker/config.json", with("empty"), "DOCKER_CONFIG=docker", "it was asked without credentials"},
		"hanging helper": {"docker/config.json", with("hangs"), "DOCKER_CONFIG=docker",
			"no complete answer within 2s (the object's timeout, else its interval): wait for credential helper docker-credential-hangs"},
	} {
		t.Run(name, func(t *testing.T) {
			home := environments(t, test.file, test.content)
			key, value, _ := strings.Cut(test.variable, "=")
			t.Setenv(key, filepath.Join(home, value))
			repository := openWith(t, registry.Options{}, server.Image("app"), registry.Access{Timeout: 2 * time.Second})
			if test.want == "" {
				wantTags(t, repository, []string{"1.0.0"})
				return
			}
			_, err := repository.Tags(t.Context())
			wantError(t, err, nil, server.Addr, test.want)
			wantNoSecret(t, err)
		})
	}
	t.Run("in a variable", func(t *testing.T) {
		environment(t, nil)
		t.Setenv("DOCKER_AUTH_CONFIG", entry)
		wantTags(t, openWith(t, registry.Options{}, server.Image("app"), registry.Access{}), []string{"1.0.0"})
	})
	t.Run("the object's own comes first", func(t *testing.T) {
		home := environments(t, "docker/config.json", with("broken"))
		t.Setenv("DOCKER_CONFIG", filepath.Join(home, "docker"))
		own := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
		wantTags(t, openWith(t, registry.Options{}, server.Image("app"), own), []string{"1.0.0"})
	})
	t.Run("a helper is asked once", func(t *testing.T) {
		home := environments(t, "docker/config.json", with("works"))
		t.Setenv("DOCKER_CONFIG", filepath.Join(home, "docker"))
		r := registry.New(registry.Options{})
		for range 3 {
			repository, err := r.Repository(server.Image("app"), registry.Access{})
			if err != nil {
				t.Fatal(err)
			}
			wantTags(t, repository, []string{"1.0.0"})
		}
		asked, err := os.ReadFile(filepath.Join(home, "asked"))
		if got := strings.Count(string(asked), "\n"); err != nil || got != 1 {
			t.Errorf("the helper was asked %d times, %v", got, err)
		}
	})
}

// The file is read once for requests that come together, and a later login counts.
func TestEnvironmentIsReadOnceForManyImages(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{User: "bot", Password: password}})
	server.SetTags("app", "1.0.0")
	home := environment(t, map[string]string{".docker/config.json": `{}`})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	repository := openWith(t, registry.Options{Now: func() time.Time { return now }, Retries: -1}, server.Image("app"), registry.Access{})
	denied := func() {
		t.Helper()
		if _, err := repository.Tags(t.Context()); !errors.Is(err, registry.ErrDenied) {
			t.Fatalf("error is %v, want it to be denied", err)
		}
	}
	denied()
	login := fmt.Sprintf(`{"auths":{%q:{"username":"bot","password":%q}}}`, server.Addr, password)
	if err := os.WriteFile(filepath.Join(home, ".docker/config.json"), []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	denied()
	now = now.Add(time.Second)
	wantTags(t, repository, []string{"1.0.0"})
}
