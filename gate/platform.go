package gate

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// lacking refuses content that isn't there for every platform that r demands. A
// single image has its own alone. What is no image passes.
func (r *rules) lacking(tag string, content Content) *Refusal {
	if content.Platforms == nil {
		return nil
	}
	var missing []string
	for _, wanted := range r.spec.Platforms {
		if !offers(content.Platforms, wanted) {
			missing = append(missing, wanted)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Refusal{
		Rule: pinsetter.RulePlatforms, Gate: r.gate,
		Reason: fmt.Sprintf("it lacks %s and has %s: publish it for all platforms of the Gate, take them out of platforms, or write %s by hand",
			strings.Join(missing, ", "), shown(content.Platforms), tag),
	}
}

func offers(platforms []string, wanted string) bool {
	for _, p := range platforms {
		if serves(p, wanted) {
			return true
		}
	}
	return false
}

// serves reports whether a platform is what is wanted: where that names no
// variant, any will do. That of arm64 is v8, said or not (containerd's
// platforms.Normalize).
func serves(platform, wanted string) bool {
	system, arch, variant := split(platform)
	wantedSystem, wantedArch, wantedVariant := split(wanted)
	return system == wantedSystem && arch == wantedArch && (wantedVariant == "" || variant == wantedVariant)
}

// split takes "os/arch[/variant]" apart.
func split(platform string) (system, arch, variant string) {
	system, rest, _ := strings.Cut(platform, "/")
	arch, variant, _ = strings.Cut(rest, "/")
	if arch == "arm64" && variant == "" {
		variant = "v8"
	}
	return system, arch, variant
}

// maxShown bounds how many platforms of an image are named: official images
// have eight.
const maxShown = 10

// shown lists platforms, as an image names them, for people.
func shown(platforms []string) string {
	var names []string
	for i, p := range platforms {
		if i == maxShown {
			names = append(names, fmt.Sprintf("%d others", len(platforms)-maxShown))
			break
		}
		if quoted := strconv.QuoteToASCII(p); quoted != `"`+p+`"` || len(p) > 50 || strings.Contains(p, " ") {
			p = quoted[:min(len(quoted), 50)]
		}
		names = append(names, p)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
