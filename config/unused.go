package config

import (
	"github.com/pinsetter/pinsetter/claim"
)

// Ways out, behind the word "until".
const (
	untilMended   = "it is mended"
	untilErrors   = "they are mended"
	untilAttached = "it is mended or deleted, or has the annotation " + unusedAnnotation + ": " + unusedAllowed
)

// unusedAnnotation on a guard says that it may attach to nothing.
const (
	unusedAnnotation = claim.OwnGroup + "/unused"
	unusedAllowed    = "allowed"
)

// mayBeUnused reports whether somebody says that a guard may attach to nothing.
func (o *object) mayBeUnused() bool {
	value, given := o.annotations[unusedAnnotation]
	if given && value != unusedAllowed {
		o.fail(codeBadValue, "metadata.annotations."+unusedAnnotation, "%q is not %s", value, unusedAllowed)
	}
	return value == unusedAllowed
}
