package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/spec"
)

// maxBuilds bounds the images of one pull request of which it is asked where they
// come from: each costs some requests, and two where the step is to be compared.
const maxBuilds = 50

// learnBuilds finds out where a group's images come from, as far as their
// publishers say so. Each is asked for once, and remembered; what changed is found
// out again where the base shows another image by now. It reports whether all could
// be asked; that one can't is no failure.
func (c *cycle) learnBuilds(ctx context.Context, s *survey, g *group) bool {
	before := g.images()
	images := slices.SortedFunc(maps.Keys(before), func(a, b pinsetter.Image) int { return cmp.Compare(a.String(), b.String()) })
	images = images[:min(len(images), maxBuilds)]
	builds := each(images, func(image pinsetter.Image) *message.Build {
		known := slices.IndexFunc(g.known.Builds, func(b message.Build) bool { return b.Image == image })
		switch {
		case known < 0:
			return c.buildOf(ctx, s, g, image, before[image])
		case g.known.Builds[known].Before == before[image]:
			return &g.known.Builds[known]
		}
		return c.compared(ctx, s, g, g.known.Builds[known], before[image])
	})
	g.known.Builds = nil
	for _, build := range builds {
		if build != nil {
			g.known.Builds = append(g.known.Builds, *build)
		}
	}
	return len(g.known.Builds) == len(images)
}

// buildOf asks the registry where an image comes from, and what a step to it from
// the one before changes. It returns nil where the registry can't be asked now.
func (c *cycle) buildOf(ctx context.Context, s *survey, g *group, image, before pinsetter.Image) *message.Build {
	sel := g.selectionOf(image)
	if sel == nil {
		return nil
	}
	now, err := c.ask(ctx, sel, image)
	if err != nil {
		c.o.Log.Debug("where an image comes from is not known", "image", image, "error", err)
		if !errors.Is(err, registry.ErrNotFound) {
			return nil
		}
	}
	now.Image = image
	return c.compared(ctx, s, g, now, before)
}

// compared adds to a build what changed since the image before. Where that can't be
// asked now, the next run asks again.
func (c *cycle) compared(ctx context.Context, s *survey, g *group, now message.Build, before pinsetter.Image) *message.Build {
	now.Compare, now.Before = "", before
	sel := g.selectionOf(now.Image)
	if now.Source == "" || now.Revision == "" || before.Name != "" && before.Name != now.Image.Name || sel == nil {
		return &now
	}
	then, err := c.ask(ctx, sel, before)
	switch {
	case err != nil && !errors.Is(err, registry.ErrNotFound):
		now.Before = pinsetter.Image{}
	case err == nil && then.Source == now.Source:
		now.Compare = s.forge.CompareURL(now.Source, then.Revision, now.Revision)
	}
	return &now
}

// ask returns what the content of an image says of itself.
func (c *cycle) ask(ctx context.Context, sel *selection, image pinsetter.Image) (message.Build, error) {
	digest := image.Digest
	if digest == "" {
		var err error
		if digest, err = c.selector.scanner.Digest(ctx, sel.Object.Repository, image.Tag); err != nil {
			return message.Build{}, err
		}
	}
	content, err := c.selector.scanner.Content(ctx, sel.Object.Repository, digest)
	return message.Build{Source: content.Source, Revision: content.Revision, Created: content.Created}, err
}

// selectionOf returns the selection of the policy that writes an image, or nil.
func (g *group) selectionOf(image pinsetter.Image) *selection {
	for _, file := range g.marked {
		for i, takes := range file.takes {
			if sel := g.selections[file.Sites[i].Policy]; takes == image && sel != nil && sel.Err == nil {
				return sel
			}
		}
	}
	return nil
}

// ranges returns what the policies of a group take, for people.
func (g *group) ranges() map[string]string {
	ranges := map[string]string{}
	for name, sel := range g.selections {
		if sel.Object != nil {
			ranges[name.String()] = describePolicy(sel.Object.Spec)
		}
	}
	return ranges
}

func describePolicy(s spec.ImagePolicySpec) string {
	var text string
	switch choice := s.Policy; {
	case choice.SemVer != nil:
		text = "semver " + choice.SemVer.Range
	case choice.Alphabetical != nil:
		text = "alphabetical " + choice.Alphabetical.Order
	case choice.Numerical != nil:
		text = "numerical " + choice.Numerical.Order
	}
	if filter := s.FilterTags; filter != nil && filter.Pattern != "" {
		text += fmt.Sprintf(" of %s", filter.Pattern)
	}
	return text
}
