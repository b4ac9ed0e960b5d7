package config

import (
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
)

// Ways out, behind the word "until".
const (
	untilErrors   = "they are mended"
	untilAttached = "it is mended or deleted, or has the annotation " + unusedAnnotation + ": " + unusedAllowed
)

// unusedAnnotation on a guard says that it may attach to nothing.
const (
	unusedAnnotation = claim.OwnGroup + "/unused"
	unusedAllowed    = "allowed"
)

// mayBeUnused reports whether somebody says that a guard may attach to nothing.
func mayBeUnused(o *index.Object) bool {
	value, given := o.Annotations[unusedAnnotation]
	if given && value != unusedAllowed {
		o.Fail(codeBadValue, "metadata.annotations."+unusedAnnotation, "%q is not %s", value, unusedAllowed)
	}
	return value == unusedAllowed
}
