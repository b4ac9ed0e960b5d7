package gate

import "github.com/pinsetter/pinsetter"

// KeptDigest returns the digest that a site shows beside tag, so that a policy
// that reflects digests only where none is present leaves it alone. It returns
// "" where the site shows another tag, no well-formed digest, or several.
func KeptDigest(site pinsetter.Site, tag string) string {
	var kept string
	for _, written := range site.Written {
		switch {
		case written.Tag != tag:
			return ""
		case !pinsetter.ValidDigest(written.Digest), written.Digest == kept:
		case kept != "":
			return ""
		default:
			kept = written.Digest
		}
	}
	return kept
}
