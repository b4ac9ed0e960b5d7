package notify

import (
	"strings"
	"unicode"

	"github.com/pinsetter/pinsetter"
)

// clean returns text without invisible characters, except line breaks.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "�"))
}

// line returns the first line of text, cut to the given number of characters.
func line(text string, characters int) string {
	first, _, _ := strings.Cut(text, "\n")
	return pinsetter.Truncate(first, characters)
}

// title returns a word with its first letter in upper case.
func title(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// markdown escapes text for the Markdown of chats: characters that make it
// bold, a quote, code or a link. A URL may still become a link to itself.
var markdown = strings.NewReplacer(
	`\`, `\\`, "*", `\*`, "_", `\_`, "~", `\~`, "`", "\\`", "|", `\|`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`,
)
