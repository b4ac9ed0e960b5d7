package bot_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// looks runs a cycle of a new process, and reports whether it read files.
func (w *world) looks() bool {
	w.t.Helper()
	ledger := w.Remember()
	defer ledger.Close()
	read := false
	results := bot.New(w.Set, bot.Options{
		Registry: registry.New(registry.Options{Retries: -1, Anonymous: true}),
		Git:      gitops.Options{}, Ledger: ledger, Now: w.Now,
		Progress: func(what string) { read = read || strings.HasPrefix(what, "reading ") },
	}).Cycle(context.Background(), bot.Push, w.Set.Automations)
	if len(results) != 1 || results[0].Revision == "" {
		w.t.Fatalf("results %+v", results)
	}
	return read
}

// TestNothingIsReadTwice: where the branch, the objects and the best candidates
// are those of a run that found nothing to do, no file is read; whatever else is
// so, they are.
func TestNothingIsReadTwice(t *testing.T) {
	const always = "digestReflectionPolicy: Always\n  interval: 5m\n  policy: {semver"
	objects := strings.ReplaceAll(storyObjects, "PUSH", "main")
	for _, test := range []struct {
		name    string
		objects string
		file    string
		then    func(*story)
		want    bool
	}{
		{"nothing happens", objects, "", func(*story) {}, false},
		{"an hour passes", objects, "", func(s *story) { s.Pass(time.Hour) }, false},
		{"a lower tag comes", objects, "", func(s *story) { s.Registry.Push("org/app", "1.0.5") }, false},
		{"two days pass", objects, "", func(s *story) { s.Pass(48 * time.Hour) }, true},
		{"the clock goes back", objects, "", func(s *story) { s.Pass(-time.Hour) }, true},
		{"a better tag comes", objects, "", func(s *story) { s.Registry.Push("org/app", "1.2.0") }, true},
		{"the tag goes", objects, "", func(s *story) { s.Registry.SetTags("org/app", "1.0.0") }, true},
		{"the branch moves", objects, "", func(s *story) { s.Repo.CommitFile("main", "b.txt", "x", "") }, true},
		{"an object changes", objects, "", func(s *story) { s.Load(objects + "# other bytes\n") }, true},
		{"its digest stays", strings.Replace(objects, "policy: {semver", always, 1), "", func(*story) {}, false},
		{"its digest moves", strings.Replace(objects, "policy: {semver", always, 1), "", func(s *story) { s.Registry.PushContent("org/app", "1.1.0", "other") }, true},
		{"another branch is pushed to", strings.ReplaceAll(storyObjects, "PUSH", "updates"), "", func(*story) {}, true},
		{"something is held", objects + "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {hold: [{tags: [1.1.0], reason: x}]}\n", "", func(*story) {}, true},
		{"something is to be said", objects, "b: c # {\"$imagepolicy\": \"default:none\"}\n", func(*story) {}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := tell(t, "", "", "1.0.0", "1.1.0")
			s.Load(test.objects)
			if test.file != "" {
				s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"b.yaml": test.file}}, Message: "more"})
			}
			s.looks() // writes
			if !s.looks() {
				t.Fatal("the first run after a push read nothing")
			}
			test.then(s)
			if got := s.looks(); got != test.want {
				t.Errorf("it read files: %v, want %v", got, test.want)
			}
		})
	}
}

// What a file held is remembered, and a commit trusts no memory: one that takes
// another file's bytes for those of a.yaml writes nothing.
func TestCommitTrustsNoMemory(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{
		"b.yaml": "# other\n" + s.Repo.File("main", "a.yaml"), "c.yaml": "c: d\n",
	}}, Message: "more"})
	s.Registry.SetTags("org/app", "1.0.0")
	s.next("1.0.0")
	s.next("1.0.0")
	head := s.Repo.Head("main")

	hash := func(path string) []byte {
		b, err := hex.DecodeString(s.Repo.Git("rev-parse", "main:"+path))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	names, err := filepath.Glob(filepath.Join(s.keep, "*.git-kept"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	kept, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	kept = kept[:len(kept)-crc32.Size]
	at := bytes.LastIndex(kept, append([]byte("a.yaml\x00"), hash("a.yaml")...)) // among the wanted entries of the directory
	copy(kept[at+len("a.yaml\x00"):], hash("b.yaml"))
	kept = binary.BigEndian.AppendUint32(kept, crc32.Checksum(kept, crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(names[0], kept, 0o600); err != nil {
		t.Fatal(err)
	}

	s.Registry.SetTags("org/app", "1.0.0", "1.1.0")
	r := s.cycle()
	if r.Err == nil || !strings.Contains(r.Err.Error(), "a.yaml") || !strings.Contains(r.Err.Error(), "delete the folder git") || s.Repo.Head("main") != head {
		t.Errorf("%v; main moved from %s to %s", r.Err, head, s.Repo.Head("main"))
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	s.next("1.1.0")
}

// Of two files with the same bytes one may be a chart by its name, so that what
// was found in the one isn't what is found in the other: nothing is written anew
// each time for that.
func TestChartTwin(t *testing.T) {
	s := tell(t, "{hold: [{tags: [1.1.0], reason: x}]}", "", "1.0.0", "1.1.0")
	s.Repo.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"c/Chart.yaml": s.Repo.File("main", "a.yaml")}}, Message: "more"})
	kept := func() os.FileInfo {
		s.next("1.0.0")
		names, err := filepath.Glob(filepath.Join(s.keep, "*.git-kept"))
		if err != nil || len(names) != 1 {
			t.Fatal(names, err)
		}
		info, err := os.Stat(names[0])
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	if first, second := kept(), kept(); !os.SameFile(first, second) {
		t.Error("what is kept was written anew")
	}
}
