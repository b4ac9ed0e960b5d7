package pinsetter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Severity says whether a finding excludes its subject.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the object or marker isn't used
	Warning Severity = "warning" // it is used, and somebody should look at it
)

// Finding is a mistake in an object or a marked file that a person should fix.
// Line counts from 1; 0 means the whole file. Code is one of the words that
// `pinsetter lint --help` lists. Object is the loaded object that it is about; of
// it only Kind, Namespace and Name are set, and none where it is about something
// else.
type Finding struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	Path     string   `json:"path"`
	Line     int      `json:"line,omitempty"`
	Message  string   `json:"message"`
	Object   Object   `json:"-"`
}

// String returns "path:line: message".
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s", f.Path, f.Message)
	}
	return fmt.Sprintf("%s:%d: %s", f.Path, f.Line, f.Message)
}

// Compare orders findings by path, line, code and message.
func (f Finding) Compare(g Finding) int {
	return cmp.Or(
		cmp.Compare(f.Path, g.Path),
		cmp.Compare(f.Line, g.Line),
		cmp.Compare(f.Code, g.Code),
		cmp.Compare(f.Message, g.Message),
	)
}

// SortFindings returns findings in order of place, each once.
func SortFindings(findings []Finding) []Finding {
	seen := map[Finding]bool{}
	for _, f := range findings {
		seen[f] = true
	}
	return slices.SortedFunc(maps.Keys(seen), Finding.Compare)
}
