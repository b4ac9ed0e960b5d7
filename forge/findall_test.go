package forge_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/parts"
)

// several opens pull requests of so many branches, and returns what is sought by them.
func several(n int, push func(branch, content string) string, create func(forge.Proposal) *forge.PullRequest) []forge.Sought {
	var sought []forge.Sought
	for i := range n {
		p := proposal
		p.Head = fmt.Sprintf("pinsetter/group-%d", i)
		push(p.Head, fmt.Sprintf("a: 1%d\n", i))
		sought = append(sought, forge.Sought{Head: p.Head, Base: p.Base, Known: create(p)})
	}
	return sought
}

// findAll is FindAll, which must be what Find says of each, and makes what it found
// known.
func findAll(t *testing.T, r *forge.Repository, sought []forge.Sought) {
	t.Helper()
	for i, found := range r.FindAll(t.Context(), sought) {
		if found.Err != nil {
			t.Fatal(found.Err)
		}
		sought[i].Known = found.PullRequest
	}
}

// sameAsFind holds that what is known is what Find says.
func sameAsFind(t *testing.T, r *forge.Repository, sought []forge.Sought) {
	t.Helper()
	for _, s := range sought {
		alone, err := r.Find(t.Context(), s.Head, s.Base, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Known
		if got != nil {
			copied := *got
			copied.ETag, copied.Page = "", ""
			got = &copied
		}
		if diff := cmp.Diff(alone, got); diff != "" {
			t.Errorf("%s (-alone +listed):\n%s", s.Head, diff)
		}
	}
}

// asks counts requests, and those that were answered with 304.
func asks(log *parts.Log) (all, unchanged int) {
	for _, r := range log.All() {
		all++
		if r.Status == http.StatusNotModified {
			unchanged++
		}
	}
	return all, unchanged
}

// Open pull requests are found on one page, which is asked for conditionally. One
// that isn't open any more is asked for alone, and so is one that nobody opened. Those
// of forks with branches of the same names are nobody's.
func TestFindAll(t *testing.T) {
	for name, start := range map[string]func() (*parts.Log, *forge.Repository, []forge.Sought, func()){
		"GitHub": func() (*parts.Log, *forge.Repository, []forge.Sought, func()) {
			h := newHub(t)
			h.repository.ForkPull("mallory", "pinsetter/web", "main")
			sought := several(6, h.push, h.create)
			h.push("pinsetter/none", "a: 20\n")
			for _, head := range []string{"pinsetter/none", sought[2].Head, sought[3].Head} {
				h.repository.ForkPull("mallory", head, "main")
			}
			return h.github.Log, h.forge, sought, func() { h.repository.Edit(sought[1].Known.Number, func(pr *parts.GitHubPull) { pr.Title = "By hand" }) }
		},
		"GitLab": func() (*parts.Log, *forge.Repository, []forge.Sought, func()) {
			l := newLab(t)
			sought := several(6, l.push, l.create)
			return l.gitlab.Log, l.forge, sought, func() {
				l.as(l.alice, http.MethodPut, sought[1].Known, "", map[string]any{"title": "By hand"})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, r, sought, edit := start()
			log.Reset()
			findAll(t, r, sought)
			if all, _ := asks(log); all != 1 {
				t.Errorf("first: %d requests", all)
			}
			log.Reset()
			findAll(t, r, sought)
			if all, unchanged := asks(log); all != 1 || unchanged != 1 {
				t.Errorf("nothing changed: %d requests, %d of them conditional", all, unchanged)
			}
			sameAsFind(t, r, sought)
			edit()
			if _, err := r.Close(t.Context(), sought[2].Known, ""); err != nil {
				t.Fatal(err)
			}
			sought = append(sought, forge.Sought{Head: "pinsetter/none", Base: "main"})
			for range 2 {
				findAll(t, r, sought)
				sameAsFind(t, r, sought)
				if got := sought[1].Known.Title; got != "By hand" {
					t.Errorf("found %q", got)
				}
				if got := sought[len(sought)-1].Known; got != nil {
					t.Errorf("found %s, which nobody opened", got.URL)
				}
			}
		})
	}
}

// All pages are read that the sought ones may fill, and not the others.
func TestFindAllOnSeveralPages(t *testing.T) {
	h := newHub(t)
	branch := func(name, _ string) string { return h.repository.Git("branch", name, "pinsetter/web") }
	sought := several(102, branch, h.create)
	for range 2 {
		h.github.Log.Reset()
		findAll(t, h.forge, sought)
		if all, _ := asks(h.github.Log); all != 2 {
			t.Errorf("%d requests", all)
		}
	}
	h.github.Log.Reset()
	few := sought[99:102]
	findAll(t, h.forge, few)
	if all, _ := asks(h.github.Log); all != 3 { // one page, and the two on the second
		t.Errorf("few of many: %d requests", all)
	}
	sameAsFind(t, h.forge, few)
}

// listed is TestFindAll at Gitea, which has no ETags.
func listed(t *testing.T, s *stand) {
	sought := append(several(4, s.push, s.create), forge.Sought{Head: "pinsetter/none", Base: "main"})
	for range 2 {
		findAll(t, s.forge, sought)
		sameAsFind(t, s.forge, sought)
	}
	if _, err := s.forge.Close(t.Context(), sought[1].Known, ""); err != nil {
		t.Fatal(err)
	}
	findAll(t, s.forge, sought)
	sameAsFind(t, s.forge, sought)
}
