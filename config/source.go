package config

import (
	"github.com/pinsetter/pinsetter"

	"github.com/pinsetter/pinsetter/claim"
)

// unread notes the sources that could not be read, and those that hold nothing.
func (l *loader) unread() {
	for _, u := range l.opts.Unread {
		until := u.Until
		if until == "" {
			until = "it can be read"
		}
		l.findings = append(l.findings, u.Finding())
		l.lost = append(l.lost, lostObject{place: u.Path, guard: claim.AnyGuard, until: until})
	}
	for _, name := range l.opts.Filled {
		if !l.filled[name] {
			l.findings = append(l.findings, pinsetter.Finding{Severity: pinsetter.Error, Code: CodeEmptySource, Path: pinsetter.Printable(name), Message: "there is no object of ours in it, and it was named: nothing is written until " + untilFilled})
			l.lost = append(l.lost, lostObject{place: name, guard: claim.AnyGuard, until: untilFilled})
		}
	}
}

// untilFilled is the way out where a source holds nothing.
const untilFilled = "it holds one (is its volume mounted?), it is named no more, or --allow-empty says that it may hold none"
