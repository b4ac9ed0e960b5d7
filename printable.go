package pinsetter

import (
	"strconv"
	"strings"
	"unicode"
)

// maxMessage bounds a finding's message, in bytes.
const maxMessage = 1000

// Printable returns text that a terminal may show: on one line, without control
// characters, which names and keys of a hostile object may hold, and not beyond
// maxMessage by much.
func Printable(text string) string {
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	if strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unprintable(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
