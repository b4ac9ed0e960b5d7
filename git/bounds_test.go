package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planted is a snapshot whose trees a test writes by hand.
func planted(bounds Bounds, plant func(*Snapshot) Hash) *Snapshot {
	s := &Snapshot{objects: NewStore(bounds), made: map[Hash]Object{}}
	s.tree = plant(s)
	return s
}

func treeOf(s *Snapshot, lines ...string) Hash {
	return s.add(Tree, []byte(strings.Join(lines, "")))
}

func line(mode, name string, hash Hash) string {
	return mode + " " + name + "\x00" + string(hash[:])
}

// walkErr returns the files of a snapshot and the error that ends them.
func walkErr(s *Snapshot) ([]string, error) {
	var names []string
	for file, err := range s.Files(context.Background(), "", func(string) bool { return true }) {
		if err != nil {
			return names, err
		}
		names = append(names, file.Path)
	}
	return names, nil
}

// A handful of objects can stand for more files than there is time: it is the
// files that are counted.
func TestFilesBomb(t *testing.T) {
	s := planted(Bounds{Entries: 10_000}, func(s *Snapshot) Hash {
		tree := treeOf(s, line(modeFile, "x", s.add(Blob, []byte("x"))))
		for range 20 {
			var lines []string
			for i := range 10 {
				lines = append(lines, line(modeDir, fmt.Sprint(i), tree))
			}
			tree = treeOf(s, lines...)
		}
		return tree
	})
	_, err := walkErr(s)
	if !errors.Is(err, ErrBound) || !strings.Contains(err.Error(), "10000 files and directories") {
		t.Errorf("error %v", err)
	}
}

func TestFilesTooDeep(t *testing.T) {
	s := planted(Bounds{Depth: 10}, func(s *Snapshot) Hash {
		tree := treeOf(s)
		for range 20 {
			tree = treeOf(s, line(modeDir, "d", tree))
		}
		return tree
	})
	_, err := walkErr(s)
	if !errors.Is(err, ErrBound) || !strings.Contains(err.Error(), `directory "d/d/d/d/d/d/d/d/d/d" of`) || !strings.Contains(err.Error(), "10 directories deep") {
		t.Errorf("error %v", err)
	}
	if _, found, err := s.Read(t.Context(), strings.Repeat("d/", 15)+"f"); found || err != nil {
		t.Errorf("Read: %v, %v", found, err)
	}
}

// A folder over a bound, or that isn't one, is an error with its path, and all other
// files are yielded: also where few directories stand for very many, and where their
// paths take more memory than there is.
func TestOneHostileFolder(t *testing.T) {
	bounds := Bounds{Depth: 50, Shared: 1000, PathBytes: 100_000}
	for name, test := range map[string]struct {
		plant func(*Snapshot, Hash) Hash
		at    string
		text  string
	}{
		"few that stand for many": {func(s *Snapshot, b Hash) Hash {
			tree := treeOf(s, line(modeFile, "x", b))
			for range 20 {
				tree = treeOf(s, line(modeDir, "a", tree), line(modeDir, "b", tree))
			}
			return tree
		}, "m", "files and directories"},
		"long paths": {func(s *Snapshot, b Hash) Hash {
			var lines []string
			for i := range 100 {
				lines = append(lines, line(modeFile, fmt.Sprint("x", i), b))
			}
			tree := treeOf(s, lines...)
			for range 30 {
				tree = treeOf(s, line(modeDir, strings.Repeat("d", 200), tree))
			}
			return tree
		}, "m", "bytes of paths"},
		"too deep": {func(s *Snapshot, b Hash) Hash {
			tree := treeOf(s, line(modeFile, "x", b))
			for range 60 {
				tree = treeOf(s, line(modeDir, "d", tree))
			}
			return tree
		}, "m" + strings.Repeat("/d", 49), "50 directories deep"},
		"no tree": {func(s *Snapshot, b Hash) Hash { return treeOf(s, line(modeDir, "d", b)) }, "m/d", "is a blob"},
	} {
		t.Run(name, func(t *testing.T) {
			s := planted(bounds, func(s *Snapshot) Hash {
				b := s.add(Blob, []byte("x"))
				good := treeOf(s, line(modeFile, "f", b))
				return treeOf(s, line(modeDir, "a", good), line(modeDir, "m", test.plant(s, b)), line(modeDir, "z", good))
			})
			var good []string
			var failed []string
			for file, err := range s.Files(t.Context(), "", func(string) bool { return true }) {
				if err != nil {
					failed = append(failed, file.Path+": "+err.Error())
					continue
				}
				good = append(good, file.Path)
			}
			if diff := cmp.Diff([]string{"a/f", "z/f"}, good); diff != "" {
				t.Error(diff)
			}
			if len(failed) != 1 || !strings.HasPrefix(failed[0], test.at+": ") || !strings.Contains(failed[0], test.text) {
				t.Errorf("failed: %q", failed)
			}
		})
	}
}

// Folders that are alike, as those of tenants, are no bomb.
func TestFoldersThatAreAlike(t *testing.T) {
	s := planted(Bounds{Shared: 1000}, func(s *Snapshot) Hash {
		tenant := treeOf(s, line(modeFile, "a", s.add(Blob, []byte("x"))), line(modeFile, "b", s.add(Blob, []byte("y"))))
		var lines []string
		for i := range 5000 {
			lines = append(lines, line(modeDir, fmt.Sprintf("%04d", i), tenant))
		}
		return treeOf(s, line(modeDir, "tenants", treeOf(s, lines...)))
	})
	names, err := walkErr(s)
	if len(names) != 10_000 || err != nil {
		t.Errorf("%d files, %v", len(names), err)
	}
}

// A tree that Git would not write gives sorted paths or an error, and one that
// lies about a type an error.
func TestFilesOfMalformedTrees(t *testing.T) {
	for name, test := range map[string]struct {
		plant func(s *Snapshot, blob Hash) Hash
		want  []string
		text  string
	}{
		"unsorted": {plant: func(s *Snapshot, b Hash) Hash {
			return treeOf(s, line(modeFile, "b", b), line(modeFile, "a", b))
		}, want: []string{"a", "b"}},
		"old modes": {plant: func(s *Snapshot, b Hash) Hash {
			return treeOf(s, line(modeDirPadded, "d", treeOf(s, line(modeGroup, "f", b))))
		}, want: []string{"d/f"}},
		"as paths are sorted": {plant: func(s *Snapshot, b Hash) Hash {
			return treeOf(s, line(modeFile, "a.b", b), line(modeDir, "a", treeOf(s, line(modeFile, "x", b))), line(modeFile, "a0", b))
		}, want: []string{"a.b", "a/x", "a0"}},
		"dots":  {plant: func(s *Snapshot, b Hash) Hash { return treeOf(s, line(modeFile, "..", b)) }, text: `malformed tree: name ".."`},
		"slash": {plant: func(s *Snapshot, b Hash) Hash { return treeOf(s, line(modeFile, "a/b", b)) }, text: "malformed tree"},
		"one name twice": {plant: func(s *Snapshot, b Hash) Hash {
			return treeOf(s, line(modeFile, "a", b), line(modeFile, "a", b))
		}, text: `malformed tree: it has two entries of the name "a"`},
		"a file and a directory of one name": {plant: func(s *Snapshot, b Hash) Hash {
			return treeOf(s, line(modeFile, "a", b), line(modeFile, "a.b", b), line(modeDir, "a", treeOf(s, line(modeFile, "x", b))))
		}, text: `malformed tree: it has two entries of the name "a"`},
		"cut": {plant: func(s *Snapshot, b Hash) Hash { return treeOf(s, "100644 a\x00abc") }, text: "malformed tree"},
		"missing": {plant: func(s *Snapshot, b Hash) Hash {
			return treeOf(s, line(modeFile, "a", Hash{}))
		}, text: "is missing from what the server sent"},
		"a file as a directory": {plant: func(s *Snapshot, b Hash) Hash { return treeOf(s, line(modeDir, "a", b)) }, text: "is a blob, not a tree"},
		"a directory as a file": {plant: func(s *Snapshot, b Hash) Hash { return treeOf(s, line(modeFile, "a", treeOf(s))) }, text: "is a tree, not a blob"},
	} {
		t.Run(name, func(t *testing.T) {
			s := planted(Bounds{}, func(s *Snapshot) Hash {
				return test.plant(s, s.add(Blob, []byte("x")))
			})
			names, err := walkErr(s)
			if test.text != "" {
				if err == nil || !strings.Contains(err.Error(), test.text) {
					t.Errorf("error %v, want %q", err, test.text)
				}
				return
			}
			if diff := cmp.Diff(test.want, names); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if !slices.IsSorted(names) {
				t.Error("not sorted")
			}
		})
	}
}
