// Command demo starts a registry and a Git server with a small fleet on this
// machine, runs pinsetter on it and shows the result. It needs Go and git, and
// leaves nothing behind. With -keep everything stays up until an interrupt.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter/parts"
)

var keep = flag.Bool("keep", false, "let all stay up until an interrupt, to try commands by hand")

// interrupted receives interrupts. An interrupt also reaches the running
// command, which ends; then the demo cleans up and ends.
var interrupted = make(chan os.Signal, 1)

func main() {
	flag.Parse()
	signal.Notify(interrupted, os.Interrupt)
	if err := parts.Run(demo); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// The one user of the demo's Git server.
const (
	gitUser     = "fleet-bot"
	gitPassword = "only-for-the-demo"
)

// demo runs the whole story, from an empty directory to a commit.
func demo(t parts.T) {
	dir := parts.Dir(t)
	say("Building pinsetter.")
	pinsetter := build(t, dir)

	say("A registry with images, a chart and an artifact, and a Git server with a fleet.")
	registry := parts.NewRegistry(t, parts.RegistryOptions{})
	git := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{User: gitUser, Password: gitPassword}})
	stock(registry)
	work := filepath.Join(dir, "fleet")
	unpack(t, work, registry.Addr, git.URL)
	repository := git.NewRepository("fleet", parts.RepositoryOptions{Folder: work})
	writeSecret(t, filepath.Join(dir, "secrets"))
	fmt.Printf("registry %s, repository %s\n", registry.Addr, repository.URL)

	s := session{t: t, dir: work, pinsetter: pinsetter, repository: repository}
	objects := []string{"-f", "clusters/demo", "--secrets", "../secrets"}

	say("What would change? Nothing is written.")
	s.run("diff", objects...)
	s.expect(0, "diff must not push")

	say("Do it.")
	s.run("run", objects...)
	s.expect(2, "run must push a commit for each automation")

	say("Once more: there is nothing to do.")
	s.run("run", objects...)
	s.expect(2, "a second run must not push")

	say("What is in the repository now. Only marked values changed.")
	s.git("log", "--graph", "--format=%h %an: %s%d", "main", "image-updates")
	s.git("show", "main")
	s.git("show", "image-updates")

	if *keep {
		say("All stays up until Ctrl-C. In another terminal:")
		fmt.Printf("cd %s\nexport PATH=%s:$PATH HOME=%s\npinsetter explain %s podinfo\n", work, dir, work, strings.Join(objects, " "))
		<-interrupted
	}
}

// build builds the command of this module.
func build(t parts.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "pinsetter")
	command := exec.Command("go", "build", "-o", path, "github.com/pinsetter/pinsetter/cmd/pinsetter")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		t.Fatalf("build pinsetter: %v", err)
	}
	return path
}

// stock fills the registry with the images that the fleet uses, and newer ones.
func stock(registry *parts.Registry) {
	registry.Push("apps/podinfo", "5.9.9", "6.0.0", "6.0.1", "6.1", "6.1.0", "6.2.0-rc.1", "7.0.0", "latest", "sha256-28d1.sig")
	registry.Push("apps/billing", "main-1f3a9c0-1767225600", "main-77b0e12-1767312000", "feature-9c8d7e6-1767398400")
	registry.PushChart("charts/shop", "2.0.0", "2.1.0", "2.1.1+build.7")
	for _, tag := range []string{"1.0.0", "1.0.1"} {
		registry.PushArtifact("manifests/dashboards", tag, "main@sha1:"+strings.Repeat("0", 40),
			map[string]string{"dashboard.yaml": "# dashboards " + tag + "\n"})
	}
}

// session runs commands in a folder and prints each before it runs.
type session struct {
	t          parts.T
	dir        string
	pinsetter  string
	repository *parts.Repository
}

func (s *session) run(verb string, args ...string) {
	s.t.Helper()
	fmt.Printf("$ pinsetter %s %s\n", verb, strings.Join(args, " "))
	command := exec.Command(s.pinsetter, append([]string{verb}, args...)...)
	command.Dir = s.dir
	command.Env = []string{"HOME=" + s.dir, "TERM=" + os.Getenv("TERM"), "NO_COLOR=" + os.Getenv("NO_COLOR")}
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		s.t.Fatalf("pinsetter %s: %v", verb, err)
	}
}

func (s *session) git(args ...string) {
	s.t.Helper()
	fmt.Printf("$ git %s\n%s\n\n", strings.Join(args, " "), s.repository.Git(args...))
}

// expect ends the demo unless that many refs were pushed since it began.
func (s *session) expect(pushes int, why string) {
	s.t.Helper()
	if got := len(s.repository.Pushes()); got != pushes {
		s.t.Fatalf("%s: %d pushes instead of %d", why, got, pushes)
	}
}

func say(what string) { fmt.Printf("\n# %s\n", what) }
