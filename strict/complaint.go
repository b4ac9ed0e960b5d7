package strict

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// indicator is a value that begins with a character that YAML gives another
// meaning (YAML 1.2.2, section 5.3), but for the header of a block scalar.
var indicator = pinsetter.Pattern("[:,\\[{-][ \t]+([@%&*!`]|[>|][^ \t\r\n0-9+-])")

// Complaint returns what go-yaml said of a line of data, with the way out if the
// line shows it. Lines count from 1; without a line the parser means the first.
func Complaint(said string, data []byte, line int) string {
	for ; line > 1; line-- {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	data, _, _ = bytes.Cut(data, []byte("\n"))
	indentation := data[:len(data)-len(bytes.TrimLeft(data, " \t"))]
	if bytes.Contains(indentation, []byte("\t")) && aboutTabs(said) {
		return "a tab indents the line: YAML wants blanks"
	}
	if match := indicator().FindSubmatch(data); match != nil {
		return fmt.Sprintf("%s; write a value that begins with %c in quotes", said, match[1][0])
	}
	return said
}

// aboutTabs reports whether a tab may be the reason for what go-yaml said.
func aboutTabs(said string) bool {
	return strings.HasPrefix(said, "found character that cannot start any token") ||
		strings.HasPrefix(said, "found a tab character")
}
