package strict

import (
	"fmt"
	"slices"
	"strings"
)

// maxKnown is how many names DidYouMean lists.
const maxKnown = 10

// DidYouMean returns a hint for people who mistyped name, to stand behind a
// message: "; did you mean X?" where one of known is near, else the known ones,
// or that there is none.
func DidYouMean(name string, known []string) string {
	if len(known) == 0 {
		return "; none is known"
	}
	if near := Suggest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	sorted := slices.Sorted(slices.Values(known))
	if more := len(sorted) - maxKnown; more > 0 {
		sorted = append(sorted[:maxKnown], fmt.Sprintf("and %d more", more))
	}
	return "; known: " + strings.Join(sorted, ", ")
}
