package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
)

// recalledCommits is how many commits of the base are read for what was written
// at sites that the ledger knows nothing of.
const recalledCommits = 100

// trailers returns what the lane's automations wrote, as the trailers of their
// commits on the base say: the newest value of each part of a site. It is asked
// once a lane, and only when a site is about to move that the ledger knows
// nothing of.
func (c *cycle) trailers(ctx context.Context, remote *gitops.Remote, l *lane, g *ground) map[store.Site]pinsetter.Image {
	commits, err := remote.History(ctx, g.start, recalledCommits)
	if err != nil {
		c.o.Log.Warn("what was written before is not known from the history", "repository", remote.String(), "error", err)
		return nil
	}
	written := map[store.Site]pinsetter.Image{}
	for _, commit := range commits {
		if !slices.ContainsFunc(l.automations, func(a *config.Automation) bool { return made(a, commit) }) {
			continue
		}
		for key, image := range g.writtenBy(message.ParseTrailers(commit.Message).Changes) {
			written[key] = fill(written[key], image)
		}
	}
	return written
}

// writtenBy returns what changes wrote, site by site; of several at one place the
// first counts.
func (g *ground) writtenBy(changes []pinsetter.Change) map[store.Site]pinsetter.Image {
	written := map[store.Site]pinsetter.Image{}
	for _, change := range changes {
		site, part := writtenBy(change)
		image := written[g.key(site)]
		written[g.key(site)] = pinsetter.Image{
			Name:   cmp.Or(image.Name, part.Name),
			Tag:    cmp.Or(image.Tag, part.Tag),
			Digest: cmp.Or(image.Digest, part.Digest),
		}
	}
	return written
}

// writtenBy returns the site of a change, and the parts of an image that it
// wrote.
func writtenBy(change pinsetter.Change) (pinsetter.Site, pinsetter.Image) {
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
		return site, pinsetter.Image{Tag: strings.ReplaceAll(change.New, "+", "_")} // a chart's version
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
	return (!tag || image.Tag != "") && (!site.Has(pinsetter.PartDigest) || image.Digest != "")
}
