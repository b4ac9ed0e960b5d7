package artifact

import (
	"slices"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
)

// DefaultIgnore returns what is left out if nobody says otherwise, as by the flux
// command: Git's own files, images and archives.
func DefaultIgnore() []string {
	return strings.Split(sourceignore.ExcludeVCS+","+sourceignore.ExcludeExt, ",")
}

// ignorer returns whether a path, with slashes and relative to the root, is left out
// by patterns in the format of .gitignore. Unlike Git, a file below a folder that is
// left out comes in if an exception ("!") names it, as for Flux. prunes reports that
// no exception can, so that the folder needs no reading.
func ignorer(patterns []string) (ignored func(path string, isDir bool) bool, prunes bool) {
	matcher := sourceignore.NewMatcher(sourceignore.ReadPatterns(strings.NewReader(strings.Join(patterns, "\n")), nil))
	return func(path string, isDir bool) bool {
			return matcher.Match(strings.Split(path, "/"), isDir)
		}, !slices.ContainsFunc(patterns, func(p string) bool {
			return strings.HasPrefix(p, "!")
		})
}
