package policy

// LatestGitTags returns those tags of a Git repository that are the highest
// version in a SemVer range: several where they differ in a leading "v" or in
// build metadata alone, which Flux orders by the times of their commits
// (cloneSemVer in github.com/fluxcd/pkg/git/gogit). There are none where nothing
// matches, or the range can't be parsed.
func LatestGitTags(text string, tags []string) []string {
	within, err := parseRange(text)
	if err != nil {
		return nil
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
	return latest
}
