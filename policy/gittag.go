package policy

import "fmt"

// LatestGitTags returns those tags of a Git repository that are the highest
// version in a SemVer range: several where they differ in a leading "v" or in
// build metadata alone, which Flux orders by the times of their commits
// (cloneSemVer in github.com/fluxcd/pkg/git/gogit). There are none where nothing
// matches. The error is of a range that can't be parsed.
func LatestGitTags(text string, tags []string) ([]string, error) {
	within, err := parseRange(text)
	if err != nil {
		return nil, fmt.Errorf("parse range %q: %w: write such as \">=1.0.0 <2.0.0\" or \"1.x\"", text, err)
	}
	var latest []string
	var highest version
	for _, tag := range tags {
		v, ok := parseGitVersion(tag)
		if !ok || !within.accepts(v) {
			continue
		}
		switch order := v.compare(highest); {
		case len(latest) == 0 || order > 0:
			latest, highest = []string{tag}, v
		case order == 0:
			latest = append(latest, tag)
		}
	}
	return latest, nil
}
