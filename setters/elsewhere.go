package setters

import "bytes"

// AttemptLine returns the line of the first text that reads as a marker in a
// file of any format, YAML or not. It returns 1 for a marker in UTF-16 or
// UTF-32, and 0 if there is none. Lines that are commented out YAML don't
// count; comments of other formats are not recognised.
func AttemptLine(data []byte) int {
	if wideToken(data) != "" {
		return 1
	}
	for occurrences, line := range newTokens(data, 1).lines() {
		// In JSON each quote has a backslash before it.
		if !occurrences[0].out && attempt().Match(bytes.ReplaceAll(line, []byte(`\`), nil)) {
			return occurrences[0].line
		}
	}
	return 0
}
