package gate

import (
	"cmp"
	"fmt"

	"github.com/pinsetter/pinsetter"
)

// TakenBack reports whether somebody changed a site after the base had shown
// what we wrote there: the site shows something else now, of any kind. Shown is
// the last reference of ours that the base showed, from the ledger or, without
// one, from trailers; it may hold more than the site's markers stand for, and
// the zero Image says that none is known.
func TakenBack(site pinsetter.Site, shown pinsetter.Image) bool {
	wrote := Standing(site, shown)
	if wrote == (pinsetter.Image{}) {
		return false
	}
	shows, agreed := Shows(site)
	return !agreed || Standing(site, shows) != wrote
}

// Shows returns what the markers of a site show together. They don't agree where
// two of them show different names, tags or digests; a :tag marker says nothing
// of digests.
func Shows(site pinsetter.Site) (image pinsetter.Image, agreed bool) {
	for i, written := range site.Written {
		parts := []struct{ have, add string }{
			{image.Name, written.Name}, {image.Tag, written.Tag}, {image.Digest, written.Digest},
		}
		// Two full references differ too where one has a part that the other lacks.
		full := i > 0 && written.Name != "" && image.Name != ""
		for _, part := range parts {
			if part.have != part.add && (full || part.have != "" && part.add != "") {
				return pinsetter.Image{}, false
			}
		}
		image.Name = cmp.Or(image.Name, written.Name)
		image.Tag = cmp.Or(image.Tag, written.Tag)
		image.Digest = cmp.Or(image.Digest, written.Digest)
	}
	return image, true
}

// Standing returns the parts of an image that the markers of a site stand for,
// :name markers aside.
func Standing(site pinsetter.Site, image pinsetter.Image) pinsetter.Image {
	if site.Has(pinsetter.PartReference) {
		return image
	}
	image.Name = ""
	if !site.Has(pinsetter.PartTag) {
		image.Tag = ""
	}
	if !site.Pins() {
		image.Digest = ""
	}
	return image
}

// Reverted judges writing an image at a site. It returns the reason to keep the
// site as a person wrote it, or "" where it may be written.
//
// What was taken back isn't offered again, nor anything that doesn't rank above
// it. A tag that was taken back alone, so that the site shows it with another
// digest, is offered again with a digest that is neither. Where the policy
// accepts no more what was taken back, it was changed since, and decides anew.
func Reverted(site pinsetter.Site, shown, image pinsetter.Image, order Order) string {
	if !TakenBack(site, shown) {
		return ""
	}
	shown = Standing(site, shown)
	now, _ := Shows(site)
	sameTag := shown.Tag == "" || now.Tag == shown.Tag && image.Tag == now.Tag
	switch {
	case sameTag && image.Digest != "" && image.Digest != shown.Digest:
		return ""
	case !sameTag && !order.Accepts(shown.Tag), !sameTag && order.Above(image.Tag, shown.Tag):
		return ""
	}
	back := short(shown)
	changed := cmp.Or(site.Current(), "nothing")
	if sameTag {
		return fmt.Sprintf("%s was written here and somebody changed it to %s, which stays until there is something newer: "+
			"to take it again, write %s by hand", back, changed, back)
	}
	return fmt.Sprintf("%s was written here and somebody changed it to %s, which stays until a tag above %s passes: "+
		"to go on, write %s by hand, or exclude %s (ImageRepository spec.exclusionList, or the policy's range or filter)",
		back, changed, shown.Tag, back, shown.Tag)
}

// short is an image without its name.
func short(image pinsetter.Image) string {
	return pinsetter.Site{Written: []pinsetter.Image{image}}.Current()
}
