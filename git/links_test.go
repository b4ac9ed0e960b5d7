package git

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinks(t *testing.T) {
	s := planted(Bounds{}, func(s *Snapshot) Hash {
		file := s.add(Blob, []byte("x"))
		to := func(target string) Hash { return s.add(Blob, []byte(target)) }
		return treeOf(s,
			line(modeDir, "a", treeOf(s,
				line(modeSymlink, "absolute", to("/etc/passwd")),
				line(modeSymlink, "circle", to("circle")),
				line(modeSymlink, "file", to("../b/x")),
				line(modeSymlink, "folder", to("../b/./")),
				line(modeSymlink, "into", to("sub/x")),
				line(modeSymlink, "nothing", to("gone")),
				line(modeSymlink, "out", to("../../x")),
				line(modeSymlink, "root", to("..")),
				line(modeSubmodule, "sub", file),
				line(modeSymlink, "through", to("folder/x")),
			)),
			line(modeDir, "b", treeOf(s, line(modeFile, "x", file))))
	})
	links, err := s.Links(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range links {
		got = append(got, fmt.Sprintf("%s -> %s folder=%t submodule=%t %v", l.Path, l.Target, l.Folder, l.Submodule, l.Err))
	}
	want := []string{
		"a/absolute ->  folder=false submodule=false it leads out of the repository",
		"a/circle ->  folder=false submodule=false it leads through too many links, or in a circle",
		"a/file -> b/x folder=false submodule=false <nil>",
		"a/folder -> b folder=true submodule=false <nil>",
		"a/into ->  folder=false submodule=false " + ErrNoPath.Error(),
		"a/nothing ->  folder=false submodule=false " + ErrNoPath.Error(),
		"a/out ->  folder=false submodule=false it leads out of the repository",
		"a/root -> . folder=true submodule=false <nil>",
		"a/sub ->  folder=false submodule=true <nil>",
		"a/through -> b/x folder=false submodule=false <nil>",
	}
	if diff := cmp.Diff(want, strings.Split(strings.ReplaceAll(strings.Join(got, "\n"), `"a/sub/x": `, ""), "\n")); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

// Few trees can stand for very many links, or for very many directories without.
func TestLinksBombs(t *testing.T) {
	for _, link := range []bool{false, true} {
		s := planted(Bounds{}, func(s *Snapshot) Hash {
			leaf := line(modeFile, "x", s.add(Blob, []byte("x")))
			if link {
				leaf = line(modeSymlink, "x", s.add(Blob, []byte("x")))
			}
			tree := treeOf(s, leaf)
			for range 20 {
				var lines []string
				for i := range 10 {
					lines = append(lines, line(modeDir, fmt.Sprint(i), tree))
				}
				tree = treeOf(s, lines...)
			}
			return tree
		})
		if _, err := s.Links(t.Context(), ""); errors.Is(err, ErrBound) != link {
			t.Errorf("links %t: %v", link, err)
		}
	}
}
