package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts"
)

// trialFiles are the repository of the trial in docs/init.md.
var trialFiles = map[string]string{
	"apps/web.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: apps
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example/org/web:v1.4.2
        - name: proxy
          image: registry.example/mirror/nginx:1.25.3-alpine # not the Debian one
        - name: shell
          image: registry.example/org/tools:latest
`,
	"apps/values.yaml": `image:
  registry: registry.example
  repository: org/worker
  tag: main-118
`,
}

// trialTags are what the registry of the trial has.
var trialTags = map[string][]string{
	"org/web":      {"v1.4.1", "v1.4.2", "v1.5.0", "v2.0.0"},
	"mirror/nginx": {"1.25.3", "1.25.3-alpine", "1.25.4-alpine", "1.27.0-alpine", "1.27.0"},
	"org/worker":   {"main-97", "main-118", "main-131"},
	"org/tools":    {"latest"},
}

// TestTheTrialInTheDocs runs the commands of the first console block of
// docs/init.md, and compares the output with what stands there. Addresses, hashes
// and the widths of columns differ. With UPDATE_TRIAL set it records the output.
func TestTheTrialInTheDocs(t *testing.T) {
	parts.Need(t, "git")
	registry := parts.NewRegistry(t, parts.RegistryOptions{})
	for image, tags := range trialTags {
		registry.Push(image, tags...)
	}
	server := parts.NewGit(t, parts.GitOptions{})
	files := map[string]string{}
	for name, text := range trialFiles {
		files[name] = strings.ReplaceAll(text, "registry.example", registry.Addr)
	}
	repository := server.NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: files}})

	page := filepath.Join("..", "..", "docs", "init.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, block, _ := strings.Cut(string(text), "```console\n")
	block, after, _ := strings.Cut(block, "```\n")
	mask := strings.NewReplacer(registry.Addr, "registry.example", repository.URL, "https://git.example/org/fleet.git",
		"users.noreply.127.0.0.1", "users.noreply.git.example").Replace
	var got strings.Builder
	dir := t.TempDir()
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		output := runTrial(t, dir, strings.ReplaceAll(command, "https://git.example/org/fleet.git", repository.URL))
		got.WriteString(line + mask(output))
		if strings.HasPrefix(command, "cd ") {
			dir = filepath.Join(dir, strings.TrimSpace(command[3:]))
		}
	}
	diff := cmp.Diff(leveled(block), leveled(got.String()))
	switch {
	case diff == "":
	case os.Getenv("UPDATE_TRIAL") != "":
		if err := os.WriteFile(page, []byte(before+"```console\n"+got.String()+"```\n"+after), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/init.md says otherwise:\n%s", diff)
	}
}

var (
	hashes = regexp.MustCompile(`\b[0-9a-f]{7,40}\b`)
	blanks = regexp.MustCompile(` +`)
)

// leveled returns a text without what differs from run to run.
func leveled(text string) string {
	return blanks.ReplaceAllString(hashes.ReplaceAllString(text, "HASH"), " ")
}

// runTrial runs a line of the trial in a shell.
func runTrial(t *testing.T, dir, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"HOME="+t.TempDir(), "NO_COLOR=1", "GIT_CONFIG_NOSYSTEM=1", "XDG_STATE_HOME="+t.TempDir(),
		"GIT_AUTHOR_NAME=Me", "GIT_AUTHOR_EMAIL=me@git.example", "GIT_COMMITTER_NAME=Me", "GIT_COMMITTER_EMAIL=me@git.example",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=pull.ff", "GIT_CONFIG_VALUE_0=only")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
