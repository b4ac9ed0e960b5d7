package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	screen := Screen{Version: "1", Wants: func(data []byte) bool { return bytes.HasPrefix(data, []byte("x")) }, Notes: "1"}
	dir := t.TempDir()
	open := func() *Snapshot {
		t.Helper()
		store := Cache{Dir: dir, Screen: screen}.Open("key", Bounds{})
		head := hashIn(t, r.Git("rev-parse", "main"))
		if !slices.Contains(store.Follow([]Hash{head}), head) {
			if err := store.Unpack(t.Context(), packOfCommit(t, r, "main"), Choice{Wants: screen.Wants}); err != nil {
				t.Fatal(err)
			}
		}
		store.FillFrom(noFiller{t})
		return store.Snapshot(head, hashIn(t, r.Git("rev-parse", "main^{tree}")), "refs/heads/main")
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
			found, err := newWalker(s, nil).entries(at.hash)
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
		s.Store().Keep()
		s.Store().Close()
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
		s.Store().Keep()
		s.Store().Close()
	}
}

// packOfCommit is what a server sends for a commit without its history.
func packOfCommit(t *testing.T, r *parts.Repository, name string) io.Reader {
	t.Helper()
	cmd := exec.Command("git", "pack-objects", "--stdout", "-q")
	cmd.Dir = r.Dir
	cmd.Stdin = strings.NewReader(r.Git("rev-list", "--objects", "--max-count=1", name))
	pack, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(pack)
}

// noFiller fails a test that asks for a file.
type noFiller struct{ t *testing.T }

func (f noFiller) Fill(_ context.Context, _ *Store, files []Hash, _ func([]byte) bool) error {
	f.t.Errorf("asked for %d files", len(files))
	return nil
}

// Where what is kept leaves no room, what nothing leads to any more goes; what
// stands at many paths counts once.
func TestKeepMakesRoom(t *testing.T) {
	store := NewStore(Bounds{})
	add := func(kind Kind, data string) Hash {
		hash := sumOf(kind, []byte(data))
		store.byHash[hash] = Object{kind, []byte(data)}
		return hash
	}
	file := add(Blob, "x")
	tree := add(Tree, "100644 a\x00"+string(file[:])+"100644 b\x00"+string(file[:]))
	commit := add(Commit, "tree "+tree.String()+"\n\n")
	k := &store.keeper
	k.path, k.heads = filepath.Join(t.TempDir(), "a"+keptName), []Hash{commit}
	full := k.gather(store, false)
	full.data = append(full.data, make([]byte, keptBytes-full.size()-1)...)
	full.swept = full.size()

	store = NewStore(Bounds{})
	store.kept, k.stale = full, true
	store.FillFrom(noFiller{t})
	add(Blob, "new")
	k.save(store)
	store = NewStore(Bounds{})
	k.load(store)
	if !store.Has(commit) || !store.Has(tree) || !store.Has(file) || store.kept.size() > 1000 {
		t.Errorf("kept are %d bytes", store.kept.size())
	}

	half := hashOf(1)
	store.byHash[half] = Object{Blob, make([]byte, keptBytes/2)}
	if (*kept)(nil).with(store, news{objects: []Hash{half, half, half}}) == nil {
		t.Error("one file is counted at each of its paths")
	}
}
