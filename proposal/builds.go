package proposal

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/message"
)

// maxBuilds bounds the images of one pull request of which it is asked where they
// come from: each costs some requests, and two where the step is to be compared.
const maxBuilds = 50

// learnBuilds finds out where a group's images come from, as far as their
// publishers say so. Each is asked for once, and remembered; what changed is found
// out again where the base shows another image by now. It reports whether all could
// be asked; that one can't is no failure.
func (s proposer) learnBuilds(ctx context.Context, g *Group) bool {
	before := g.images()
	images := slices.SortedFunc(maps.Keys(before), func(a, b pinsetter.Image) int { return cmp.Compare(a.String(), b.String()) })
	images = images[:min(len(images), maxBuilds)]
	builds := make([]*message.Build, len(images))
	var all errgroup.Group
	for i, image := range images {
		all.Go(func() error {
			builds[i] = s.learnBuild(ctx, g, image, before[image])
			return nil
		})
	}
	_ = all.Wait() // the functions return no error: it is in the builds
	g.known.Builds = nil
	origins := map[pinsetter.Image]pinsetter.Provenance{}
	for _, build := range builds {
		if build == nil {
			continue
		}
		origins[build.Image] = build.Provenance
		if build.Unread == "" {
			g.known.Builds = append(g.known.Builds, *build)
		}
	}
	g.Trace(origins)
	return len(g.known.Builds) == len(images)
}

// learnBuild is learnBuilds for one image. It returns nil where no policy writes it.
func (s proposer) learnBuild(ctx context.Context, g *Group, image, before pinsetter.Image) *message.Build {
	known := slices.IndexFunc(g.known.Builds, func(b message.Build) bool { return b.Image == image })
	switch {
	case known < 0:
		return s.buildOf(ctx, g, image, before)
	case g.known.Builds[known].Before == before:
		return &g.known.Builds[known]
	}
	return s.compared(ctx, g, g.known.Builds[known], before)
}

// buildOf asks the registry where an image comes from, and what a step to it from
// the one before changes. It returns nil where no policy writes it.
func (s proposer) buildOf(ctx context.Context, g *Group, image, before pinsetter.Image) *message.Build {
	policy := g.policyOf(image)
	if policy == nil {
		return nil
	}
	now := message.Build{Image: image, Provenance: s.o.Conductor.Provenance(ctx, policy, image)}
	return s.compared(ctx, g, now, before)
}

// compared adds to a build what changed since the image before. Where that can't be
// asked now, the next run asks again.
func (s proposer) compared(ctx context.Context, g *Group, now message.Build, before pinsetter.Image) *message.Build {
	now.Compare, now.Before = "", before
	policy := g.policyOf(now.Image)
	if now.Source == "" || now.Revision == "" || before.Name != "" && before.Name != now.Image.Name || policy == nil {
		return &now
	}
	then := s.o.Conductor.Provenance(ctx, policy, before)
	switch {
	case then.Unread != "":
		now.Before = pinsetter.Image{}
	case then.Source == now.Source:
		now.Compare = s.forge.CompareURL(now.Source, then.Revision, now.Revision)
	}
	return &now
}

// policyOf returns the policy that writes an image, or nil.
func (g *Group) policyOf(image pinsetter.Image) *decide.Policy {
	for _, file := range g.Marked {
		for i, takes := range file.Takes {
			if policy := g.Policies[file.Sites[i].Policy]; takes == image && policy != nil && policy.Err == nil {
				return policy
			}
		}
	}
	return nil
}

// ranges returns what the policies of a group take, for people.
func (g *Group) ranges() map[string]string {
	ranges := map[string]string{}
	for name, policy := range g.Policies {
		if policy.Object != nil {
			ranges[name.String()] = message.Rule(policy.Object.Spec)
		}
	}
	return ranges
}
