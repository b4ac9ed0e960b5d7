package strict

import (
	"bytes"
	"strings"
)

// Complaint returns what go-yaml said of a line of data, with the way out if the
// line shows it. Lines count from 1; without a line the parser means the first.
func Complaint(said string, data []byte, line int) string {
	for ; line > 1; line-- {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	data, _, _ = bytes.Cut(data, []byte("\n"))
	indentation := data[:len(data)-len(bytes.TrimLeft(data, " \t"))]
	noToken := strings.HasPrefix(said, "found character that cannot start any token")
	switch {
	case (noToken || strings.HasPrefix(said, "found a tab character")) && bytes.Contains(indentation, []byte("\t")):
		return "a tab indents the line: YAML wants blanks"
	case noToken:
		return said + ": put a value that begins with @, % or ` in quotes"
	}
	return said
}
