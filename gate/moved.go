package gate

import (
	"fmt"

	"github.com/pinsetter/pinsetter/spec"
)

// Moved is a version tag whose digest changed since it was seen.
type Moved struct {
	Reason string // for people; ends with the ways out
	Held   bool   // the new digest isn't written
}

// Move judges that a tag has the digest now, and had another one before (see
// Sight.Before; "" where none is known). It is nil where nothing moved, and where
// the order of tags isn't one of versions: such as "latest" are there to be moved.
//
// A policy that reflects digests where none is present holds the new one: it
// was asked to let digests be. One that always reflects them follows, and one
// that reflects none has nothing to hold; both are reported.
func Move(tag, before, now string, reflect spec.ReflectionPolicy, order Order) *Moved {
	if before == "" || now == "" || before == now || !order.Ranked() {
		return nil
	}
	moved := fmt.Sprintf("%s was moved from %s to %s", tag, before, now)
	switch reflect {
	case spec.ReflectIfNotPresent:
		return &Moved{Held: true, Reason: fmt.Sprintf("%s, and digestReflectionPolicy is %s: "+
			"find out why; to take it, write %s@%s by hand, or set digestReflectionPolicy to %s",
			moved, reflect, tag, now, spec.ReflectAlways)}
	case spec.ReflectAlways:
		return &Moved{Reason: fmt.Sprintf("%s, and is followed: to hold such moves, set digestReflectionPolicy to %s",
			moved, spec.ReflectIfNotPresent)}
	}
	return &Moved{Reason: fmt.Sprintf("%s, and what is written holds no digest: to pin what runs, set digestReflectionPolicy to %s",
		moved, spec.ReflectIfNotPresent)}
}
