package pinsetter

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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

// maxQuote bounds the quote of an answer in an error, in bytes.
const maxQuote = 200

// Display returns text of a server or a file for use in an error line: as it is if
// it is plain printable text, else quoted as Quote does it. Both are cut after 200
// bytes.
func Display(text string) string {
	if strings.ContainsFunc(text, unprintable) || strings.ContainsRune(text, unicode.ReplacementChar) {
		return Quote(text)
	}
	if len(text) > maxQuote {
		return strings.ToValidUTF8(text[:maxQuote], "") + "…"
	}
	return text
}

// Quote returns text in quotes, escaped for terminals and cut after 200 bytes.
func Quote(text string) string {
	if len(text) > maxQuote {
		return strconv.Quote(text[:maxQuote]) + "…"
	}
	return strconv.Quote(text)
}

// OneLine returns the text of err on one line: semicolons stand between the errors
// that it joins.
func OneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// Visible is for strings.Map: it returns a blank for white space, and drops what a
// terminal or a page would act on: control characters, marks of direction and other
// formatting, and bytes that are no UTF-8.
func Visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == utf8.RuneError, !unicode.IsGraphic(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// Truncate cuts text to a number of characters. If it was longer, the last of them is
// "…".
func Truncate(text string, characters int) string {
	if utf8.RuneCountInString(text) <= characters {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(characters-1, 0)]) + "…"
}
