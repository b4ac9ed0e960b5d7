// Package source reads the files that may hold objects: one that was named, those
// below a directory, or standard input. It says what could not be read, and knows
// no kind of object.
package source

import "github.com/pinsetter/pinsetter"

// File is the bytes of one file. Path is what messages show, and Source is what
// was named to read it, "" where nothing was.
type File struct {
	Path   string
	Source string
	Data   []byte

	// Lines says where in Path each line of Data comes from, if Data was built from
	// it; nil: Data is what is there.
	Lines []int

	// Stray says why a build left the file out; nil: it didn't.
	Stray error
}

// Line returns where in Path a line of Data comes from. Lines count from 1.
func (f File) Line(n int) int {
	if n < 1 || n > len(f.Lines) {
		return n
	}
	return f.Lines[n-1]
}

// Unread is a source of objects that could not be read, or an entry of one: a
// file, a folder, a link.
type Unread struct {
	Path string // as messages show it
	Err  error  // what is wrong with it, as "can't be read: no such file or directory"

	// Until is what ends it, behind the word "until"; "" is "it can be read".
	Until string
}

// CodeUnread is the code of an Unread's finding.
const CodeUnread = "unread"

// String returns "path: what is wrong".
func (u Unread) String() string { return u.Finding().String() }

// Finding returns what is to be said of it: an error.
func (u Unread) Finding() pinsetter.Finding {
	return pinsetter.Finding{Severity: pinsetter.Error, Code: CodeUnread, Path: pinsetter.Printable(u.Path), Message: pinsetter.Printable(u.Err.Error())}
}
