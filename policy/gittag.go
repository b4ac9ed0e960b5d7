package policy

import "fmt"

// LatestGitTags returns the tags of a Git repository with the highest version
// in a SemVer range, nil if no tag matches. It returns several tags if they
// differ only in a leading "v" or in build metadata; Flux orders those by the
// times of their commits (cloneSemVer in github.com/fluxcd/pkg/git/gogit). It
// returns an error for an invalid range.
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
