package lint

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
)

// unfit is the finding of a site that is held for its shape, or nil.
func unfit(site pinsetter.Site, policy *fleet.Policy) *pinsetter.Finding {
	image := ""
	if policy.Repository != nil {
		image = policy.Repository.Image
	}
	m := setters.Unfit(site, image)
	if m == nil && policy.Repository != nil && policy.Repository.Index != nil {
		m = setters.UnfitForChart(site)
	}
	if m == nil {
		return nil
	}
	return &pinsetter.Finding{
		Severity: pinsetter.Error, Code: m.Code, Path: site.Path, Line: m.Line,
		Message: "held: " + m.Reason,
	}
}

// Replaced returns a finding for each marked value of which more would be
// replaced than its version: another image's name, and a digest behind a tag that
// the policy doesn't reflect. What isn't written at all has none.
func Replaced(site pinsetter.Site, policy *fleet.Policy) []pinsetter.Finding {
	if policy.Repository == nil || unfit(site, policy) != nil {
		return nil
	}
	var findings []pinsetter.Finding
	for _, m := range site.Markers {
		name := setters.ImageName(m)
		switch {
		case name != "" && name != policy.Repository.Image:
			findings = append(findings, doubt(site, m, "other-image", "shows %s, but ImagePolicy %s selects tags of %s: the name would be replaced",
				name, policy.Name, policy.Repository.Image))
		case m.Part == pinsetter.PartTag && strings.Contains(m.Value, "@") && policy.Spec.DigestReflectionPolicy == spec.ReflectNever:
			findings = append(findings, doubt(site, m, "digest-dropped", "the digest behind the tag would be dropped, since ImagePolicy %s reflects none: "+
				"to keep it up to date, set its digestReflectionPolicy to IfNotPresent or Always", policy.Name))
		}
	}
	return findings
}

// doubt is a warning about one marker of a site.
func doubt(site pinsetter.Site, m pinsetter.Marker, code, format string, args ...any) pinsetter.Finding {
	return pinsetter.Finding{
		Severity: pinsetter.Warning, Code: code, Path: site.Path, Line: m.Line, Message: fmt.Sprintf(format, args...),
	}
}
