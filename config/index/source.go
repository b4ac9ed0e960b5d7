package index

import (
	"github.com/pinsetter/pinsetter"

	"github.com/pinsetter/pinsetter/claim"
)

// unread notes the sources that could not be read, and those that hold nothing.
func (x *Index) unread() {
	for _, u := range x.opts.Unread {
		until := u.Until
		if until == "" {
			until = "it can be read"
		}
		x.Findings = append(x.Findings, u.Finding())
		x.Lost = append(x.Lost, Lost{Place: u.Path, Guard: claim.AnyGuard, Until: until})
	}
	for _, name := range x.opts.Filled {
		if !x.filled[name] {
			x.Findings = append(x.Findings, pinsetter.Finding{Severity: pinsetter.Error, Code: CodeEmptySource, Path: pinsetter.Printable(name), Message: "there is no object of ours in it, and it was named: nothing is written until " + untilFilled})
			x.Lost = append(x.Lost, Lost{Place: name, Guard: claim.AnyGuard, Until: untilFilled})
		}
	}
}

// untilFilled is the way out where a source holds nothing.
const untilFilled = "it holds one (is its volume mounted?), it is named no more, or --allow-empty says that it may hold none"
