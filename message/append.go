package message

import (
	"slices"
	"strings"
)

// Append returns message with trailers at its end: after existing trailers
// (such as Signed-off-by), else as a paragraph of their own. It drops lines of
// the message that look like the bot's trailers. The definition of a trailer is
// that of git-interpret-trailers(1).
func Append(message string, trailers []string) string {
	lines := slices.DeleteFunc(strings.Split(message, "\n"), func(line string) bool {
		key, _, ok := parseTrailer(strings.TrimSpace(line))
		return ok && len(key) >= len(trailerPrefix) && strings.EqualFold(key[:len(trailerPrefix)], trailerPrefix)
	})
	message = strings.TrimRight(strings.Join(lines, "\n"), " \t\r\n")
	if strings.TrimSpace(message) == "" {
		message = Default
	}
	separator := "\n\n"
	if trailerBlock(strings.Split(message, "\n")) >= 0 {
		separator = "\n"
	}
	return message + separator + strings.Join(trailers, "\n") + "\n"
}

// trailerBlock returns the index of the first trailer at the end of lines, or
// -1 if there is none. The last line must not be blank. Trailers are the last
// paragraph, unless it is the first one, if either all its lines are trailers,
// or a quarter of them are and one was written by Git itself.
func trailerBlock(lines []string) int {
	start := len(lines)
	for start > 0 && strings.TrimSpace(lines[start-1]) != "" {
		start--
	}
	if start == 0 || strings.TrimSpace(strings.Join(lines[:start], "")) == "" {
		return -1
	}
	trailers, others, byGit := 0, 0, false
	for _, line := range lines[start:] {
		_, _, ok := parseTrailer(line)
		generated := strings.HasPrefix(line, "Signed-off-by: ") || strings.HasPrefix(line, "(cherry picked from commit ")
		switch {
		case strings.HasPrefix(line, "#"):
		case ok || generated:
			trailers++
			byGit = byGit || generated
		case trailers > 0 && (line[0] == ' ' || line[0] == '\t'): // a continuation of the line above
		default:
			others++
		}
	}
	if trailers > 0 && (others == 0 || byGit && trailers*3 >= others) {
		return start
	}
	return -1
}

// parseTrailer splits a line such as "Key: value". A key is letters, digits and
// hyphens.
func parseTrailer(line string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(line, ":")
	key = strings.TrimRight(key, " \t")
	if !ok || key == "" {
		return "", "", false
	}
	for _, c := range []byte(key) {
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", "", false
		}
	}
	return key, strings.TrimSpace(value), true
}
