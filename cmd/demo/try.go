package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter/parts"
)

// thing is something to try: commands to paste, one after the other, in the order
// of the list.
type thing struct {
	title    string
	commands []string
}

// objects are the flags that name the demo's objects.
const objects = "-f clusters/demo --secrets ../secrets"

// things are what can be tried with a demo that stays up.
func (d *stand) things() []thing {
	clone := strings.Replace(d.repository.URL, "http://", "http://"+gitUser+":"+gitPassword+"@", 1)
	list := []thing{
		{"See a second update: somebody releases podinfo 6.2.0.", []string{
			"push apps/podinfo:6.1.0 6.2.0",
			"pinsetter run " + objects,
		}},
		{"Take it back, as a person does: the bot leaves the older value alone, and says until when.", []string{
			"git clone -q " + clone + " ../clone",
			"git -C ../clone -c user.name=You -c user.email=you@example.test -c commit.gpgSign=false revert --no-edit HEAD",
			"git -C ../clone push -q",
			"pinsetter run " + objects,
			"pinsetter explain " + objects + " podinfo",
		}},
		{"Hold a tag: dashboards 1.0.2 is out, and isn't taken.", []string{
			"push manifests/dashboards:1.0.1 1.0.2",
			"cat ../try/hold.yaml",
			"pinsetter run " + objects + " -f ../try/hold.yaml",
		}},
		{"Gate the size of a step: the chart shop 3.0.0 is too far, 2.2.0 isn't.", []string{
			"push charts/shop:2.1.1_build.7 2.2.0",
			"push charts/shop:2.1.1_build.7 3.0.0",
			"cat ../try/gate.yaml",
			"pinsetter diff " + objects + " -f ../try/gate.yaml",
		}},
	}
	if d.gitea != "" {
		list = append(list, thing{"Propose instead of push: a pull request for each policy, at a Gitea that runs here.", []string{
			"pinsetter run -f clusters/demo/images.yaml -f ../try/gitea.yaml",
			"curl -s " + d.gitea + "/fleet/pulls | grep -o 'Update [^<\"]*' | sort -u",
		}})
	}
	return append(list, thing{"Let it run: a status page at http://" + d.page + " (Ctrl-C ends it).", []string{
		"pinsetter serve " + objects + " --listen " + d.page,
	}})
}

// hold and gate are what the list adds to the objects.
const (
	hold = `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata: {name: hold, namespace: flux-system}
spec:
  hold:
  - tags: [1.0.2]
    reason: its panels are empty
`
	gate = `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata: {name: steps, namespace: flux-system}
spec:
  maxBump: minor
`
)

// proposals are the objects of the repository at Gitea.
const proposals = `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: gitea, namespace: flux-system}
spec: {interval: 1m, url: "%[1]s.git", ref: {branch: main}, secretRef: {name: gitea}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: gitea, namespace: flux-system}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: gitea}
  git: {commit: {author: {name: Fleet Bot, email: fleet-bot@example.test}}}
  update: {strategy: Setters, path: ./apps}
---
apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata: {name: gitea, namespace: flux-system}
spec: {automationRef: {name: gitea}, groupBy: policy, provider: gitea}
---
apiVersion: v1
kind: Secret
metadata: {name: gitea, namespace: flux-system}
stringData: {username: bot, password: "%[2]s", token: "%[2]s"}
`

// prepare writes what the list needs, and starts a Gitea if it is built.
func (d *stand) prepare(t parts.T) {
	t.Helper()
	files := map[string]string{"hold.yaml": hold, "gate.yaml": gate}
	if parts.Has("gitea") {
		say("A Gitea, for pull requests.")
		g := parts.NewGitea(t)
		r := g.NewRepository(g.User+"/fleet", readFleet(t, d.work))
		d.gitea = strings.TrimSuffix(r.URL, "/fleet.git")
		files["gitea.yaml"] = fmt.Sprintf(proposals, strings.TrimSuffix(r.URL, ".git"), g.Token)
	}
	for name, content := range files {
		if err := write(filepath.Join(d.dir, "try", name), content); err != nil {
			t.Fatalf("write %s: %v", name, err)
		}
	}
	d.page = freeAddress(t)
}

// readFleet returns the files of the fleet's folder.
func readFleet(t parts.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatalf("read the fleet: %v", err)
	}
	return files
}

// freeAddress returns an address of this machine that nobody listens at.
func freeAddress(t parts.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	defer l.Close()
	return l.Addr().String()
}

// list prints the things to try.
func (d *stand) list() {
	say("All stays up until Ctrl-C. To try things, paste this into another terminal:")
	fmt.Printf("cd %s\nexport PATH=%s:$PATH PINSETTER_STATE=sqlite:%s\n", d.work, filepath.Join(d.dir, "bin"), filepath.Join(d.dir, "state.db"))
	fmt.Println("\nand then, one after the other:")
	for i, thing := range d.things() {
		fmt.Printf("\n%d. %s\n", i+1, thing.title)
		for _, command := range thing.commands {
			fmt.Printf("   %s\n", command)
		}
	}
}
