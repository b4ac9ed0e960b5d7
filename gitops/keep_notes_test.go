package gitops

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
)

// Of a directory that was kept only the entries that may be wanted are gone
// through, and notes stay when what is of no use any more is swept out.
func TestKeepWanted(t *testing.T) {
	tree := map[string]string{}
	for i := range 50 {
		tree[fmt.Sprintf("apps/%d.yaml", i)] = "y\n"
		tree[fmt.Sprintf("docs/%d.yaml", i)] = "y\n"
	}
	tree["apps/7.yaml"] = "x\n"
	r := parts.NewGit(t, parts.GitOptions{}).NewRepository("org/app", parts.RepositoryOptions{Tree: parts.Tree{Files: tree}})
	dir, base := t.TempDir(), fleet.GitRef{Branch: "main"}
	screen := Screen{Version: "1", Wants: func(data []byte) bool { return bytes.HasPrefix(data, []byte("x")) }, Notes: "1"}
	open := func() *Snapshot {
		t.Helper()
		remote, err := Open(&fleet.GitSource{URL: r.URL}, Options{Keep: dir, Screen: screen})
		if err != nil {
			t.Fatal(err)
		}
		fetched, err := remote.Fetch(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		return fetched.Base
	}
	look := func(notes string) (entries int, note string) {
		t.Helper()
		screen.Notes = notes
		s := open()
		for _, path := range []string{"", "apps"} {
			at, err := s.find(path)
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.entries(at.hash)
			if err != nil {
				t.Fatal(err)
			}
			entries += len(found)
		}
		for file, err := range s.Files(t.Context(), "", func(string) bool { return true }) {
			if err != nil || file.Path != "apps/7.yaml" || string(file.Data) != "x\n" {
				t.Errorf("%q, %q, %v", file.Path, file.Data, err)
			}
			if note = string(file.Note); file.Note == nil {
				s.Note(file, []byte("seen"))
			}
		}
		s.Keep()
		return entries, note
	}
	for i, want := range []struct {
		notes   string
		entries int // of the root and of apps
		note    string
	}{{"1", 52, ""}, {"1", 2, "seen"}, {"2", 52, ""}, {"2", 2, "seen"}} {
		if entries, note := look(want.notes); entries != want.entries || note != want.note {
			t.Errorf("look %d: %d entries, note %q, want %+v", i, entries, note, want)
		}
	}
	for i := range 30 { // large files that come and go
		r.CommitFile("main", "apps/7.yaml", fmt.Sprintf("x%0100000d\n", i), "")
		r.CommitFile("main", "apps/7.yaml", "x\n", "")
		r.CommitFile("main", "apps/large.yaml", fmt.Sprintf("x%0100000d\n", i), "")
		s := open()
		for file, err := range s.Files(t.Context(), "", func(string) bool { return true }) {
			if wantNote := file.Path == "apps/7.yaml"; err != nil || wantNote != (file.Note != nil) {
				t.Fatalf("commit %d: %s: note %q, %v", i, file.Path, file.Note, err)
			}
		}
		s.Keep()
	}
}

// Where what is kept leaves no room, what nothing leads to any more goes; what
// stands at many paths counts once.
func TestKeepMakesRoom(t *testing.T) {
	store := newObjects(Bounds{}.withDefaults())
	add := func(kind plumbing.ObjectType, data string) plumbing.Hash {
		hash := plumbing.ComputeHash(kind, []byte(data))
		store.byHash[hash] = anObject{kind, []byte(data)}
		return hash
	}
	file := add(plumbing.BlobObject, "x")
	tree := add(plumbing.TreeObject, "100644 a\x00"+string(file[:])+"100644 b\x00"+string(file[:]))
	commit := add(plumbing.CommitObject, "tree "+tree.String()+"\n\n")
	k := &keeper{path: filepath.Join(t.TempDir(), "a"+keptName), heads: []plumbing.Hash{commit}}
	full := k.gather(store, false)
	full.data = append(full.data, make([]byte, keptBytes-full.size()-1)...)
	full.swept = full.size()

	store = newObjects(Bounds{}.withDefaults())
	store.kept, k.stale = full, true
	add(plumbing.BlobObject, "new")
	k.save(store)
	store = k.load(Bounds{}.withDefaults())
	if !store.has(commit) || !store.has(tree) || !store.has(file) || store.kept.size() > 1000 {
		t.Errorf("kept are %d bytes", store.kept.size())
	}

	half := hashOf(1)
	store.byHash[half] = anObject{plumbing.BlobObject, make([]byte, keptBytes/2)}
	if (*kept)(nil).with(store, news{objects: []plumbing.Hash{half, half, half}}) == nil {
		t.Error("one file is counted at each of its paths")
	}
}
