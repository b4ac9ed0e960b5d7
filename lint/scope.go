package lint

import (
	"fmt"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/strict"
)

// Codes are the findings of this package: those that need objects and markers
// together. The value is one line of explanation.
var Codes = map[string]string{
	"unknown-policy":    "a marker names a policy that was not loaded",
	"out-of-scope":      "no automation that was loaded writes this marker",
	"no-digest":         "a :digest marker of a policy that reflects no digest",
	"digest-offered":    "the tag of an OCIRepository is marked and its digest isn't written, although the policy reflects digests",
	"digest-only":       "a :digest marker without a tag beside it: IfNotPresent acts as Always there",
	"other-image":       "a marked value shows another image than the policy's",
	"digest-dropped":    "a tag has a digest behind it, which a policy that reflects none drops",
	"image-passed-over": "kustomize leaves a resource's image alone that a marked entry of its images means",
	"unused-policy":     "no marker names this policy",
	"provider-host":     "spec.provider logs in to other hosts than that of the image or repository",
	"unused-repository": "no policy uses this image repository",
	"unused-automation": "this automation selects no policy",
	"marker-elsewhere":  "a marker stands in a file whose name says that markers are not looked for in it",
	"verify-anybody":    "the verify of the object takes a signature by anybody",
	"verify-unanchored": "a pattern of the object's matchOIDCIdentity fits anywhere in an identity",
	"verify-unpinned":   "a Gate verifies signatures, and the marked value shows no digest: what was verified may move away under the tag",
	"verify-patched":    "a patch gives a verify to an object with a marker, which isn't read where the marker is written",
	"verify-untrusted":  "an object verifies what it pulls, and it isn't known whom it trusts, such as without the Secret of its keys: its markers fail",
	"suspended":         "the object is suspended, and nothing is done for it",
}

// UnknownPolicy is the finding of a site whose policy is not in set.
func UnknownPolicy(set *fleet.Set, site pinsetter.Site) pinsetter.Finding {
	names := make([]string, 0, len(set.Policies))
	for _, p := range set.Policies {
		names = append(names, p.Name.String())
	}
	return warn(site, "unknown-policy", fmt.Sprintf("marker names ImagePolicy %s, which was not loaded%s", site.Policy, strict.DidYouMean(site.Policy.String(), names)))
}

// OutOfScope is the finding of a site that no automation writes.
func OutOfScope(site pinsetter.Site, policy *fleet.Policy) pinsetter.Finding {
	return warn(site, "out-of-scope", fmt.Sprintf(
		"no automation writes this marker: ImagePolicy %s needs an ImageUpdateAutomation in its own namespace whose policySelector matches it and whose update.path holds this file", policy.Name))
}

func warn(site pinsetter.Site, code, message string) pinsetter.Finding {
	return pinsetter.Finding{Severity: pinsetter.Warning, Code: code, Path: site.Path, Line: site.Markers[0].Line, Message: message}
}

// Suspended is the finding of a policy whose markers are left alone.
func Suspended(p *fleet.Policy) pinsetter.Finding {
	return pinsetter.Finding{
		Severity: pinsetter.Warning, Code: "suspended", Path: p.Origin.Path, Line: p.Origin.Line,
		Message: fmt.Sprintf("ImagePolicy %s or its ImageRepository is suspended: its markers are left alone", p.Name),
	}
}
