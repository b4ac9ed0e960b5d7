package plan

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
)

// recalledCommits is how many commits of the base are read for what was written
// at sites that the ledger knows nothing of.
const recalledCommits = 100

// RecallHistory lets the ground ask what the trailers of a repository's commits say
// was written by one of some automations, once. Failed is told if they can't be read.
func (g *Ground) RecallHistory(ctx context.Context, remote *gitops.Remote, automations []*fleet.Automation, failed func(error)) {
	g.History = sync.OnceValue(func() map[store.Site]pinsetter.Image {
		written, err := g.trailers(ctx, remote, automations)
		if err != nil {
			failed(err)
		}
		return written
	})
}

// trailers returns what automations wrote, as the trailers of commits
// on the base say: the newest value of each part of a site. It is asked
// once a lane, and only when a site is about to move that the ledger knows
// nothing of.
//
// Trailers count as far as they are true of what the commit did, whoever made it:
// a forge that squashes or rebases makes commits of its own. Where that can't be
// found out now, they are believed: they hold sites back, and move none.
func (g *Ground) trailers(ctx context.Context, remote *gitops.Remote, automations []*fleet.Automation) (map[store.Site]pinsetter.Image, error) {
	commits, err := remote.History(ctx, g.Start, recalledCommits)
	if err != nil {
		return nil, err
	}
	commits = slices.DeleteFunc(slices.Clone(commits), func(commit gitops.CommitInfo) bool {
		said := message.ParseTrailers(commit.Message)
		return len(said.Changes) == 0 || !slices.ContainsFunc(automations, func(a *fleet.Automation) bool { return a.Name == said.Automation })
	})
	written := map[store.Site]pinsetter.Image{}
	for i, step := range g.Start.Steps(ctx, commits, recalledCommits+1, setters.IsCandidate) {
		changes := message.ParseTrailers(commits[i].Message).Changes
		if step.Err == nil || errors.Is(step.Err, gitops.ErrNotEdits) {
			changes = trueOf(ctx, step, changes)
		}
		for key, image := range g.WrittenBy(changes) {
			written[key] = fill(written[key], image)
		}
	}
	return written, nil
}

// trueOf returns those changes that a step made: a marker shows the new value
// after it, and didn't before. A file that can't be read is believed to be so.
func trueOf(ctx context.Context, step gitops.Step, changes []pinsetter.Change) []pinsetter.Change {
	before, after := marks{of: step.Before}, marks{of: step.After}
	return slices.DeleteFunc(slices.Clone(changes), func(change pinsetter.Change) bool {
		if !slices.Contains(step.Paths, change.Path) {
			return true
		}
		was, errWas := before.show(ctx, change)
		is, errIs := after.show(ctx, change)
		return errWas == nil && errIs == nil && !turned(was, is, change.New)
	})
}

// marks are the marked values of one commit.
type marks struct {
	of    *gitops.Snapshot
	files map[string]map[mark][]string // by path, as they are asked for
}

// mark names the markers of one setter in one object.
type mark struct {
	object pinsetter.Object
	setter string
}

// show returns what the markers of a change show, in their order in the file.
func (m *marks) show(ctx context.Context, change pinsetter.Change) ([]string, error) {
	at := mark{change.Object, change.Setter}
	if values, read := m.files[change.Path]; read {
		return values[at], nil
	}
	data, _, err := m.of.Read(ctx, change.Path)
	if err != nil {
		return nil, err
	}
	values := map[mark][]string{}
	for _, site := range setters.Find(change.Path, data).Sites {
		for _, marker := range site.Markers {
			at := mark{site.Object, marker.Setter}
			values[at] = append(values[at], marker.Value)
		}
	}
	if m.files == nil {
		m.files = map[string]map[mark][]string{}
	}
	m.files[change.Path] = values
	return values[at], nil
}

// turned reports whether one of several values became the new one.
func turned(was, is []string, value string) bool {
	for i := range min(len(was), len(is)) {
		if is[i] == value && was[i] != value {
			return true
		}
	}
	return false
}

// WrittenBy returns what changes wrote, site by site; of several at one place the
// first counts.
func (g *Ground) WrittenBy(changes []pinsetter.Change) map[store.Site]pinsetter.Image {
	written := map[store.Site]pinsetter.Image{}
	for _, change := range changes {
		site, part := WrittenBy(change)
		image := written[g.Key(site)]
		written[g.Key(site)] = pinsetter.Image{
			Name:   cmp.Or(image.Name, part.Name),
			Tag:    cmp.Or(image.Tag, part.Tag),
			Digest: cmp.Or(image.Digest, part.Digest),
		}
	}
	return written
}

// WrittenBy returns the site of a change, and the parts of an image that it
// wrote.
func WrittenBy(change pinsetter.Change) (pinsetter.Site, pinsetter.Image) {
	setter := strings.SplitN(change.Setter, ":", 3)
	site := pinsetter.Site{Path: change.Path, Item: -1, Object: change.Object}
	if len(setter) < 2 {
		return site, pinsetter.Image{}
	}
	site.Policy = pinsetter.Name{Namespace: setter[0], Name: setter[1]}
	switch {
	case len(setter) == 2:
		return site, setters.ParseReference(change.New)
	case setter[2] == "tag":
		tag, digest, _ := strings.Cut(change.New, "@")
		return site, pinsetter.Image{Tag: strings.ReplaceAll(tag, "+", "_"), Digest: digest} // a chart's version
	case setter[2] == "digest":
		return site, pinsetter.Image{Digest: change.New}
	}
	return site, pinsetter.Image{}
}

// fill returns what a newer commit wrote. One that moved a digest alone is of the
// tag that an older commit wrote.
func fill(newer, older pinsetter.Image) pinsetter.Image {
	if newer.Tag != "" {
		return newer
	}
	newer.Name, newer.Tag = older.Name, older.Tag
	newer.Digest = cmp.Or(newer.Digest, older.Digest)
	return newer
}

// known reports whether an image has every part that the site's markers stand
// for, names aside: what is known by half says nothing.
func known(site pinsetter.Site, image pinsetter.Image) bool {
	tag := site.Has(pinsetter.PartReference) || site.Has(pinsetter.PartTag)
	return (!tag || image.Tag != "") && (!site.Pins() || image.Digest != "")
}
