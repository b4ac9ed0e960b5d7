package message

import (
	"slices"
	"strings"
)

// Append returns message with trailers at its end: behind the trailers that are
// there (such as Signed-off-by), else as a paragraph of their own. Lines of the
// message that pass for trailers of the bot are left out. What counts as a
// trailer is as in git-interpret-trailers(1).
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

// trailerBlock returns the index of the first line of the trailers at the end of
// lines, whose last line is not blank, or -1 where there are none. They are the
// last paragraph, if it is not the first, and if either all its lines are
// trailers, or a quarter of them and one was written by Git itself.
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
		case trailers > 0 && (line[0] == ' ' || line[0] == '\t'): // goes on from the line above
		default:
			others++
		}
	}
	if trailers > 0 && (others == 0 || byGit && trailers*3 >= others) {
		return start
	}
	return -1
}

// parseTrailer splits a line such as "Key: value"; a key is letters, digits and
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
