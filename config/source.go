package config

import "github.com/pinsetter/pinsetter"

// Unread is a source of objects that could not be read, or an entry of one: a
// file, a folder, a link.
type Unread struct {
	Path string // as messages show it
	Err  error  // what is wrong with it, as "can't be read: no such file or directory"

	// Until is what ends it, behind the word "until"; "" is "it can be read".
	Until string
}

// String returns "path: what is wrong".
func (u Unread) String() string { return u.Finding().String() }

// Finding returns what is to be said of it: an error.
func (u Unread) Finding() pinsetter.Finding {
	return pinsetter.Finding{Severity: pinsetter.Error, Code: CodeUnread, Path: printable(u.Path), Message: printable(u.Err.Error())}
}

// unread notes the sources that could not be read, and those that hold nothing.
func (l *loader) unread() {
	for _, u := range l.opts.Unread {
		until := u.Until
		if until == "" {
			until = "it can be read"
		}
		l.findings = append(l.findings, u.Finding())
		l.lost = append(l.lost, lostObject{place: u.Path, guard: anyGuard, until: until})
	}
	for _, name := range l.opts.Filled {
		if !l.filled[name] {
			l.findings = append(l.findings, pinsetter.Finding{Severity: pinsetter.Error, Code: CodeEmptySource, Path: printable(name), Message: "there is no object of ours in it, and it was named: nothing is written until " + untilFilled})
			l.lost = append(l.lost, lostObject{place: name, guard: anyGuard, until: untilFilled})
		}
	}
}

// untilFilled is the way out where a source holds nothing.
const untilFilled = "it holds one (is its volume mounted?), it is named no more, or --allow-empty says that it may hold none"
