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
	"syscall"

	"github.com/pinsetter/pinsetter/parts"
)

var (
	keep     = flag.Bool("keep", false, "let all stay up until an interrupt, and say what to try")
	asPush   = flag.Bool("push", false, "give an image of a registry another tag: REGISTRY IMAGE:TAG NEWTAG")
	stopping = make(chan os.Signal, 1) // receives interrupts
)

// An interrupt also reaches the running command, which ends; then the demo cleans
// up and ends, as it does without one.
func main() {
	flag.Parse()
	if *asPush {
		exit(runPush(flag.Args()))
	}
	signal.Notify(stopping, os.Interrupt, syscall.SIGTERM)
	err := parts.Run(demo)
	if len(stopping) > 0 {
		err = nil // what an interrupt ended didn't fail
	}
	exit(err)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// The one user of the demo's Git server.
const (
	gitUser     = "fleet-bot"
	gitPassword = "only-for-the-demo"
)

// stand is a demo that is up.
type stand struct {
	dir, work  string // all of it, and the fleet's folder
	repository *parts.Repository
	gitea      string // address of the owner's page; "": Gitea isn't built
	page       string // address for a status page
}

// demo runs the whole story, from an empty directory to a commit.
func demo(t parts.T) {
	d := &stand{dir: directory(t)}
	say("Building pinsetter.")
	pinsetter := build(t, filepath.Join(d.dir, "bin"))

	say("A registry with images, a chart and an artifact, and a Git server with a fleet.")
	registry := parts.NewRegistry(t, parts.RegistryOptions{})
	git := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{User: gitUser, Password: gitPassword}})
	stock(registry)
	d.work = filepath.Join(d.dir, "fleet")
	unpack(t, d.work, registry.Addr, git.URL)
	d.repository = git.NewRepository("fleet", parts.RepositoryOptions{Folder: d.work})
	writeSecret(t, filepath.Join(d.dir, "secrets"))
	writePush(t, filepath.Join(d.dir, "bin"), registry.Addr)
	fmt.Printf("registry %s, repository %s\n", registry.Addr, d.repository.URL)

	s := session{t: t, stand: d, pinsetter: pinsetter}
	s.story()
	if *keep && len(stopping) == 0 {
		d.prepare(t)
		d.list()
		stopping <- <-stopping // main asks for it too
	}
}

// directory returns a directory of the demo's own that is not in memory, so that
// the state can be there.
func directory(t parts.T) string {
	t.Helper()
	if parts.Cache() == "" || os.MkdirAll(parts.Cache(), 0o755) != nil {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(parts.Cache(), "demo-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// writePush writes the command push, which is this program.
func writePush(t parts.T, dir, registry string) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatalf("find this program: %v", err)
	}
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' -push %s \"$@\"\n", program, registry)
	if err := os.WriteFile(filepath.Join(dir, "push"), []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatalf("write push: %v", err)
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

// session runs commands in the fleet's folder and prints each before it runs.
type session struct {
	t         parts.T
	stand     *stand
	pinsetter string
}

// story is what the demo shows.
func (s *session) story() {
	s.t.Helper()
	say("What would change? Nothing is written.")
	s.run("diff")
	s.expect(0, "diff must not push")

	say("Do it.")
	s.run("run")
	s.expect(2, "run must push a commit for each automation")

	say("Once more: there is nothing to do.")
	s.run("run")
	s.expect(2, "a second run must not push")

	say("What is in the repository now. Only marked values changed.")
	s.git("log", "--graph", "--format=%h %an: %s%d", "main", "image-updates")
	s.git("show", "main")
	s.git("show", "image-updates")
}

func (s *session) run(verb string) {
	s.t.Helper()
	fmt.Printf("$ pinsetter %s %s\n", verb, objects)
	command := exec.Command(s.pinsetter, append([]string{verb}, strings.Fields(objects)...)...)
	command.Dir = s.stand.work
	command.Env = []string{"TERM=" + os.Getenv("TERM"), "NO_COLOR=" + os.Getenv("NO_COLOR"), "PINSETTER_STATE=sqlite:" + filepath.Join(s.stand.dir, "state.db")}
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		s.t.Fatalf("pinsetter %s: %v", verb, err)
	}
}

func (s *session) git(args ...string) {
	s.t.Helper()
	fmt.Printf("$ git %s\n%s\n\n", strings.Join(args, " "), s.stand.repository.Git(args...))
}

// expect ends the demo unless that many refs were pushed since it began.
func (s *session) expect(pushes int, why string) {
	s.t.Helper()
	if got := len(s.stand.repository.Pushes()); got != pushes {
		s.t.Fatalf("%s: %d pushes instead of %d", why, got, pushes)
	}
}

func say(what string) { fmt.Printf("\n# %s\n", what) }
