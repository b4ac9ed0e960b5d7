package gate

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Same reports whether a tag's new digest is no news for a site that shows another
// one: on every platform that a gate names, both run the same images. An index that
// gains a platform nobody uses, or is built anew around the same images, is such.
//
// It is false without a gate that names platforms, and where the registry has the
// shown digest no more: it could not be pulled. Where it doesn't say, the site stays.
func (w *Walk) Same(tag, shown, now string, known Known) (bool, []Question) {
	platforms := w.gates.platforms()
	if len(platforms) == 0 || shown == "" || shown == now || !pinsetter.ValidDigest(now) {
		return false, nil
	}
	var contents [2]Content
	for i, digest := range []string{now, shown} {
		content, told := known.Contents[digest]
		if !told {
			return false, []Question{{Kind: KindContent, Tag: tag, Digest: digest}}
		}
		if content.Err != nil {
			return false, nil
		}
		contents[i] = content.Value
	}
	for _, p := range platforms {
		a, b := contents[0].serving(p), contents[1].serving(p)
		if len(a) == 0 || !slices.Equal(a, b) {
			return false, nil
		}
	}
	stays, told := known.Stays[shown]
	if !told {
		return false, []Question{{Kind: KindStays, Tag: tag, Digest: shown}}
	}
	return stays.Err != nil || stays.Value, nil
}

// platforms returns those that gates name.
func (g Gates) platforms() []string {
	var all []string
	for _, r := range g.rules {
		all = append(all, r.spec.Platforms...)
	}
	return all
}

// serving returns the digests of the images for a platform, sorted; none where one
// isn't known.
func (c Content) serving(platform string) []string {
	var digests []string
	for _, b := range c.Builds {
		if !serves(b.Platform, platform) {
			continue
		}
		if b.Digest == "" {
			return nil
		}
		digests = append(digests, b.Digest)
	}
	slices.Sort(digests)
	return digests
}

// Difference returns the platforms for which images were added, removed and changed
// from one content to another, sorted.
func Difference(from, to Content) (added, removed, changed []string) {
	before, after := from.byPlatform(), to.byPlatform()
	for platform, digests := range after {
		switch had, there := before[platform]; {
		case !there:
			added = append(added, platform)
		case had != digests:
			changed = append(changed, platform)
		}
	}
	for platform := range before {
		if _, there := after[platform]; !there {
			removed = append(removed, platform)
		}
	}
	for _, list := range [][]string{added, removed, changed} {
		slices.Sort(list)
	}
	return added, removed, changed
}

// byPlatform returns the digests for each platform, joined.
func (c Content) byPlatform() map[string]string {
	all := map[string]string{}
	for _, b := range c.Builds {
		all[b.Platform] = strings.TrimSpace(all[b.Platform] + " " + b.Digest)
	}
	return all
}
