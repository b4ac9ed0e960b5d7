package gitops_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// Whatever happens to a repository, and whichever directories, names and screens
// it is read with: who keeps something reads what who keeps nothing reads, and a
// note is that of the file's bytes and of its version.
func TestKeepWalk(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	for name, settings := range map[string]map[string]string{"filters": nil, "no filters": strict} {
		r := g.NewRepository("org/"+strings.ReplaceAll(name, " ", "-"), parts.RepositoryOptions{Tree: files, Config: settings})
		src, random, dir := &fleet.GitSource{URL: r.URL}, rand.New(rand.NewPCG(1, 2)), t.TempDir()
		noted := 0
		for range 20 {
			change(r, random)
			version := fmt.Sprint(random.IntN(6) / 5)
			screen := tagged(version)
			if version == "1" {
				screen.Wants = func(data []byte) bool { return strings.Contains(string(data), ": 1") }
			}
			screen.Notes = fmt.Sprint(random.IntN(6) / 5)
			below := []string{"", "a", "a/b", "b/a"}[random.IntN(4)]
			suffix := []string{"", "0.yaml"}[random.IntN(2)]
			read := func(dir string) map[string]string {
				fetched := fetch(t, openWith(t, src, gitops.Options{Keep: dir, Screen: screen}), main, "pins/")
				found := map[string]string{}
				for _, s := range append([]*gitops.Snapshot{fetched.Base}, headsOf(fetched)...) {
					for file, err := range s.Files(t.Context(), below, func(path string) bool { return strings.HasSuffix(path, suffix) }) {
						found[s.Ref()+" "+file.Path] = fmt.Sprint(string(file.Data), err != nil)
						note := screen.Notes + " " + string(file.Data)
						if file.Note == nil {
							s.Note(file, []byte(note))
						} else if noted++; string(file.Note) != note {
							t.Fatalf("%s: the note of %q is %q", name, file.Data, file.Note)
						}
					}
				}
				fetched.Close()
				return found
			}
			if diff := cmp.Diff(read(""), read(dir)); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
			pushKept(t, openWith(t, src, gitops.Options{Keep: dir, Screen: screen}), random)
		}
		if noted == 0 {
			t.Errorf("%s: no note was read", name)
		}
	}
}

// pushKept pushes a change to a random branch, with what was kept: on top of it, or
// built anew from main.
func pushKept(t *testing.T, remote *gitops.Remote, random *rand.Rand) {
	t.Helper()
	fetched := fetch(t, remote, main, "pins/")
	defer fetched.Close()
	start := anyOf(random, append([]*gitops.Snapshot{fetched.Base}, headsOf(fetched)...))
	found, _ := all(t, start, "")
	if len(found) == 0 {
		return
	}
	file := anyOf(random, slices.Sorted(maps.Keys(found)))
	next := commit(t, start, map[string]string{file: fmt.Sprintf("%s: 1%d\n", anyOf(random, []string{"tag", "x"}), random.Int())})
	p := gitops.Push{Snapshot: next, Branch: strings.TrimPrefix(start.Ref(), "refs/heads/"), Lease: start.Hash()}
	if start == fetched.Base && random.IntN(2) == 0 {
		p.Branch, p.Lease, p.Rebuilt = "pins/b", "", true
		if shown := fetched.Push["pins/b"]; shown != nil {
			p.Lease = shown.Head.Hash()
		}
	}
	push(t, remote, p)
}

func anyOf[T any](random *rand.Rand, of []T) T { return of[random.IntN(len(of))] }

func headsOf(f *gitops.Fetched) []*gitops.Snapshot {
	var found []*gitops.Snapshot
	for _, state := range f.Push {
		found = append(found, state.Head)
	}
	return found
}

// change makes a random commit on a random branch.
func change(r *parts.Repository, random *rand.Rand) {
	branch := []string{"main", "main", "pins/a", "pins/b"}[random.IntN(4)]
	if r.Head(branch) == "" {
		r.Git("branch", branch, "main")
	}
	tree := parts.Tree{Files: map[string]string{}}
	for range random.IntN(20) {
		path := fmt.Sprintf("%c/%c/%d.yaml", 'a'+random.IntN(2), 'a'+random.IntN(3), random.IntN(4))
		tree.Files[path] = fmt.Sprintf("%s: %d\n", []string{"tag", "x"}[random.IntN(2)], random.IntN(20))
	}
	if random.IntN(4) == 0 {
		tree.Delete = []string{fmt.Sprintf("%c/%c", 'a'+random.IntN(2), 'a'+random.IntN(3))}
	}
	r.Commit(parts.Commit{Tree: tree, Branch: branch})
}
