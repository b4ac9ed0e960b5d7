package setters

import "bytes"

// AttemptLine returns the line of the first text that reads as a marker in a file
// of any format, YAML or not; 1 for one in UTF-16 or UTF-32, and 0 where there is
// none. Lines that are commented out don't count, but in other formats what marks
// those is not known.
func AttemptLine(data []byte) int {
	if wideToken(data) != "" {
		return 1
	}
	for occurrences, line := range newTokens(data, 1).lines() {
		// A text of JSON has a backslash before each quote.
		if !occurrences[0].out && attempt.Match(bytes.ReplaceAll(line, []byte(`\`), nil)) {
			return occurrences[0].line
		}
	}
	return 0
}
