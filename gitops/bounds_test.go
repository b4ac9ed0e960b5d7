package gitops

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/parts"
)

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

// Bounds hold against a real server, and say which one it was.
func TestFetchBounds(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{
		"a": strings.Repeat("a", 1000), "b/c": "c", "b/d": "d",
	}}})
	for text, bounds := range map[string]git.Bounds{
		"50 bytes in a pack":           {PackBytes: 50},
		"900 bytes when unpacked":      {UnpackedBytes: 900},
		"2 objects":                    {Objects: 2},
		"100 bytes for a list of refs": {RefBytes: 100},
	} {
		for _, url := range []string{repository.URL, "file://" + repository.Dir} {
			remote, err := Open(&fleet.GitSource{URL: url}, Options{Bounds: Bounds{Bounds: bounds}})
			if err != nil {
				t.Fatal(err)
			}
			fetched, err := remote.Fetch(context.Background(), fleet.GitRef{Branch: "main"}, "")
			if err == nil {
				_, err = walkErr(fetched.Base) // files come later from one, at once from the other
			}
			if !errors.Is(err, ErrBound) || !strings.Contains(err.Error(), "over the bound of "+text) {
				t.Errorf("%s: %v, want %q", url, err, text)
			}
		}
	}
}
