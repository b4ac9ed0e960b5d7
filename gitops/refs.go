package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
)

// place is the commit or tag that a ref of the configuration stands for.
type place struct {
	name string        // full name, such as "refs/heads/main"; "" for a commit
	hash plumbing.Hash // of a commit or an annotated tag
	deep bool          // the server hands the commit out only with its history
}

const (
	heads = "refs/heads/"
	tags  = "refs/tags/"
)

// prefixes returns prefixes of the refs that resolve needs, and of the push
// branches.
func prefixes(ref fleet.GitRef, push []string) []string {
	found := []string{"HEAD"} // an empty repository has none
	for _, name := range push {
		found = append(found, heads+name)
	}
	switch {
	case ref.Commit != "" && ref.Branch == "", ref.Name == "HEAD":
		return found
	case ref.Commit != "":
		return append(found, heads+ref.Branch)
	case ref.Name != "":
		return append(found, unpeeled(ref.Name))
	case ref.SemVer != "":
		return append(found, tags)
	case ref.Tag != "":
		return append(found, tags+ref.Tag)
	}
	return append(found, heads+cmp.Or(ref.Branch, defaultBranch))
}

// find is resolve. Before an error it reads all refs of the server, to name
// those that exist.
func (c *conversation) find(ctx context.Context, ref fleet.GitRef) (place, error) {
	found, err := c.resolve(ctx, ref)
	if !errors.Is(err, ErrNoRef) || !c.chose() {
		return found, err
	}
	if err := c.all(ctx); err != nil {
		return found, explain(ctx, err)
	}
	return c.resolve(ctx, ref)
}

// branches returns the branches that the names stand for, but that of base,
// sorted by name.
func branches(adv *packp.AdvRefs, base place, of []string, bounds Bounds) ([]place, error) {
	found := make(map[string]bool)
	for _, name := range of {
		if !strings.HasSuffix(name, "/") {
			found[name] = true
			continue
		}
		below := names(adv, heads+name)
		if len(below) > bounds.Branches {
			return nil, fmt.Errorf("branches below %q: %w", name, git.OverBound("branches", int64(bounds.Branches)))
		}
		for _, rest := range below {
			found[name+rest] = true
		}
	}
	var places []place
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if hash, there := adv.References[heads+name]; there && heads+name != base.name {
			places = append(places, place{name: heads + name, hash: hash})
		}
	}
	return places, nil
}

// defaultBranch is Flux's.
const defaultBranch = "master"

// resolve finds the place of ref among the advertised refs.
func (c *conversation) resolve(ctx context.Context, ref fleet.GitRef) (place, error) {
	adv := c.adv
	switch {
	case ref.Commit != "":
		return resolveCommit(ref, adv)
	case ref.Name != "":
		return resolveName(unpeeled(ref.Name), adv)
	case ref.SemVer != "":
		return c.resolveSemVer(ctx, ref.SemVer)
	case ref.Tag != "":
		return resolveShort("tag", tags, ref.Tag, adv)
	case ref.Branch != "":
		return resolveShort("branch", heads, ref.Branch, adv)
	}
	return resolveShort("branch", heads, defaultBranch, adv)
}

// resolveCommit finds a commit by its hash: as the tip of a ref, else by asking
// for the hash if the server allows that, else in the history of the branch.
func resolveCommit(ref fleet.GitRef, adv *packp.AdvRefs) (place, error) {
	if !plumbing.IsHash(ref.Commit) {
		return place{}, fmt.Errorf("commit %q: give all 40 hex digits", ref.Commit)
	}
	hash := plumbing.NewHash(ref.Commit)
	caps := adv.Capabilities
	if advertised(adv, hash) {
		return place{hash: hash}, nil
	}
	if ref.Branch != "" {
		if _, err := resolveShort("branch", heads, ref.Branch, adv); err != nil {
			return place{}, err
		}
	}
	if caps.Supports(capability.AllowReachableSHA1InWant) {
		return place{hash: hash}, nil
	}
	return place{hash: hash, deep: true}, nil
}

// advertised reports whether hash is the tip of a ref, so that any server hands
// it out.
func advertised(adv *packp.AdvRefs, hash plumbing.Hash) bool {
	for _, tip := range adv.References {
		if tip == hash {
			return true
		}
	}
	return adv.Head != nil && *adv.Head == hash
}

// resolveName finds a ref by its full name. HEAD stands for the branch that it
// points at.
func resolveName(name string, adv *packp.AdvRefs) (place, error) {
	if name == "HEAD" {
		name = headTarget(adv)
	}
	if hash, ok := adv.References[name]; ok {
		return place{name: name, hash: hash}, nil
	}
	if name == "HEAD" && adv.Head != nil {
		return place{hash: *adv.Head}, nil
	}
	hint := ""
	switch {
	case strings.HasPrefix(name, "refs/"):
	case strings.HasPrefix("refs/"+name, heads), strings.HasPrefix("refs/"+name, tags):
		hint = fmt.Sprintf(": give the full name, such as %q", "refs/"+name)
	default:
		hint = fmt.Sprintf(": give the full name, such as %q", heads+name)
	}
	return place{}, fmt.Errorf("%w: name %q%s", ErrNoRef, name, hint)
}

// headTarget returns the full name of the default branch, "HEAD" if the server
// doesn't say.
func headTarget(adv *packp.AdvRefs) string {
	for _, symref := range adv.Capabilities.Get(capability.SymRef) {
		if target, ok := strings.CutPrefix(symref, "HEAD:"); ok {
			return target
		}
	}
	return "HEAD"
}

// resolveShort finds a branch or a tag. The error lists those that exist, those
// that look alike first.
func resolveShort(kind, prefix, name string, adv *packp.AdvRefs) (place, error) {
	if hash, ok := adv.References[prefix+name]; ok {
		return place{name: prefix + name, hash: hash}, nil
	}
	known := names(adv, prefix)
	if len(known) == 0 {
		return place{}, fmt.Errorf("%w: %s %q: the repository has none", ErrNoRef, kind, name)
	}
	return place{}, fmt.Errorf("%w: %s %q: there is %s", ErrNoRef, kind, name, alike(name, known))
}

// unpeeled returns the name of a tag without "^{}", by which servers list the
// commit behind the tag. A tag is read as its commit anyway.
func unpeeled(name string) string {
	if tag, peeled := strings.CutSuffix(name, "^{}"); peeled && strings.HasPrefix(tag, tags) {
		return tag
	}
	return name
}

// resolveSemVer finds the tag that a range selects: of equal versions, the one
// with the newest commit.
func (c *conversation) resolveSemVer(ctx context.Context, constraint string) (place, error) {
	if c.remote.latestTags == nil {
		return place{}, fmt.Errorf("semver %q: no way to compare versions was given", constraint)
	}
	known := names(c.adv, tags)
	latest, err := c.remote.latestTags(constraint, known)
	if err != nil {
		return place{}, fmt.Errorf("semver: %w", err)
	}
	if len(latest) == 0 {
		return place{}, fmt.Errorf("%w: none of %d tags is in the semver range %q", ErrNoRef, len(known), constraint)
	}
	name, err := c.newest(ctx, latest)
	if err != nil {
		return place{}, fmt.Errorf("compare the commits of tags %s: %w", alike("", slices.Sorted(slices.Values(latest))), explain(ctx, err))
	}
	return resolveShort("tag", tags, name, c.adv)
}

// newest returns the tag whose commit was made last; of equal times, the
// greatest name. If several commits are named, it asks for them.
func (c *conversation) newest(ctx context.Context, of []string) (string, error) {
	commits := func(name string) plumbing.Hash { return cmp.Or(c.adv.Peeled[tags+name], c.adv.References[tags+name]) }
	if !slices.ContainsFunc(of, func(name string) bool { return commits(name) != commits(of[0]) }) {
		return slices.Max(of), nil
	}
	var wants []plumbing.Hash
	for _, name := range of {
		wants = append(wants, c.adv.References[tags+name])
	}
	store := git.NewStore(c.remote.bounds.Bounds)
	if err := c.commits(ctx, request{wants: unique(wants), depth: 1}, store); err != nil {
		return "", err
	}
	made := map[string]time.Time{}
	for _, name := range of {
		commit, err := readCommit(store, commits(name))
		if err != nil {
			return "", err
		}
		made[name] = commit.Committer.When
	}
	return slices.MaxFunc(of, func(a, b string) int { return cmp.Or(made[a].Compare(made[b]), strings.Compare(a, b)) }), nil
}

// names returns the short names of the refs below prefix, sorted.
func names(adv *packp.AdvRefs, prefix string) []string {
	var found []string
	for name := range adv.References {
		if short, ok := strings.CutPrefix(name, prefix); ok {
			found = append(found, short)
		}
	}
	slices.Sort(found)
	return found
}

// shownNames bounds a list of names in a message.
const shownNames = 5

// alike lists the first few of known, which is sorted. Those that may have been
// meant come first.
func alike(name string, known []string) string {
	near := func(s string) bool {
		s, name := strings.ToLower(s), strings.ToLower(name)
		return s == name || strings.Contains(s, name) || strings.Contains(name, s) || oneApart(s, name)
	}
	var first, rest []string
	for _, s := range known {
		if near(s) {
			first = append(first, s)
		} else {
			rest = append(rest, s)
		}
	}
	ordered := slices.Concat(first, rest)
	var shown []string
	for _, s := range ordered[:min(shownNames, len(ordered))] {
		shown = append(shown, fmt.Sprintf("%q", pinsetter.Truncate(s, 100)))
	}
	text := strings.Join(shown, ", ")
	if more := len(ordered) - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// oneApart reports whether one letter was changed, left out, added or swapped
// with the next.
func oneApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if i == len(a) || a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
