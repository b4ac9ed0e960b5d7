package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
)

// Branch is a branch of the bot's own commits, which is built from the base again
// when it is to show something else.
type Branch struct {
	Head    *gitops.Snapshot
	Commits []gitops.CommitInfo         // those that the base hasn't, newest first
	wrote   map[string][]string         // the files that a commit wrote, by its hash, where it was replayed
	sites   map[string][]pinsetter.Site // of head, by path, as they are asked for
}

// NewBranch returns a branch of the bot's own commits. Wrote are the files that those
// wrote which were replayed, by hash.
func NewBranch(branch *gitops.PushState, wrote map[string][]string) *Branch {
	return &Branch{Head: branch.Head, Commits: branch.Commits, wrote: wrote, sites: map[string][]pinsetter.Site{}}
}

// HasCommitOf reports whether an automation made one of the branch's commits. A nil
// branch has none.
func (b *Branch) HasCommitOf(a *fleet.Automation) bool {
	return b != nil && slices.ContainsFunc(b.Commits, func(c gitops.CommitInfo) bool { return Made(a, c) })
}

// sitesOf returns the sites of a file of the branch.
func (b *Branch) sitesOf(ctx context.Context, path string) []pinsetter.Site {
	sites, read := b.sites[path]
	if !read {
		sites = SitesOf(ctx, b.Head, path)
		b.sites[path] = sites
	}
	return sites
}

// TwinIn finds site in another version of its file: by object, or by position
// where the document holds none.
func TwinIn(sites []pinsetter.Site, site pinsetter.Site) (pinsetter.Site, bool) {
	i := slices.IndexFunc(sites, func(s pinsetter.Site) bool {
		if s.Policy != site.Policy || s.Object != site.Object {
			return false
		}
		return site.Object != pinsetter.Object{} || s.Document == site.Document && s.Item == site.Item
	})
	if i < 0 {
		return pinsetter.Site{}, false
	}
	return sites[i], true
}

// SitesOf returns the sites of a file, none where it can't be read: what is
// wrong with a proposal's file is mended by rebuilding it.
func SitesOf(ctx context.Context, s *gitops.Snapshot, path string) []pinsetter.Site {
	data, found, err := s.Read(ctx, path)
	if err != nil || !found || !setters.HasToken(data) {
		return nil
	}
	return setters.Find(path, data).Sites
}

// Differs reports whether the branch is to be moved to head: it shows other
// values than head does, or sites that head hasn't any more, or a file that the
// plans write has changed on the base.
func (b *Branch) Differs(ctx context.Context, head *gitops.Snapshot, plans []*Plan) (bool, error) {
	written := map[string]bool{}
	for _, p := range plans {
		for path := range p.Files {
			written[path] = true
			same, err := sameFile(ctx, b.Head, head, path)
			if err != nil || !same {
				return true, err
			}
		}
	}
	paths, err := b.paths(ctx, plans)
	if err != nil {
		return false, err
	}
	blind := slices.ContainsFunc(plans, (*Plan).IsBlind)
	for _, path := range paths {
		if !written[path] && !sameValues(b.sitesOf(ctx, path), SitesOf(ctx, head, path), blind) {
			return true, nil
		}
	}
	return false, nil
}

// paths returns the files that the branch's commits wrote: as a replay found out,
// or as the trailers say of what is remembered to be the bot's, else every marked
// file of the branch.
func (b *Branch) paths(ctx context.Context, plans []*Plan) ([]string, error) {
	var paths []string
	complete := true
	for _, commit := range b.Commits {
		if wrote, replayed := b.wrote[commit.Hash]; replayed {
			paths = append(paths, wrote...)
			continue
		}
		trailers := message.ParseTrailers(commit.Message)
		complete = complete && trailers.Complete
		for _, change := range trailers.Changes {
			paths = append(paths, change.Path)
		}
	}
	if complete {
		return paths, nil
	}
	for _, p := range plans {
		for file, err := range b.Head.Files(ctx, p.Automation.Path, setters.IsCandidate) {
			if err != nil {
				return nil, err
			}
			if setters.HasToken(file.Data) {
				paths = append(paths, file.Path)
			}
		}
	}
	return paths, nil
}

func sameFile(ctx context.Context, a, b *gitops.Snapshot, path string) (bool, error) {
	x, foundX, errX := a.Read(ctx, path)
	y, foundY, errY := b.Read(ctx, path)
	if errX != nil || errY != nil {
		return false, fmt.Errorf("compare %s: %w", path, cmp.Or(errX, errY))
	}
	return foundX == foundY && string(x) == string(y), nil
}

// sameValues reports whether a newer version of a file has the sites of an older
// one and shows the same values; what it hasn't is passed over where it may be
// there unseen.
func sameValues(older, newer []pinsetter.Site, blind bool) bool {
	for _, site := range older {
		twin, found := TwinIn(newer, site)
		if !found && !blind || found && !slices.Equal(site.Written, twin.Written) {
			return false
		}
	}
	return true
}
