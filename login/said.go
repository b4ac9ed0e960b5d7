package login

import (
	"encoding/json"
	"html"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// maxSaid bounds the bytes of an answer that Said reads.
const maxSaid = 64 << 10

// Said returns what a server's answer to a failed request says to people, "" if
// it says nothing. It reads JSON in the forms that servers use: the errors of
// the OCI distribution specification, a message or error, problem details (RFC
// 9457). Of HTML it returns the title, else the text; of plain text, the text.
//
// The result may hold anything that the server was sent, and any character.
// Callers remove secrets (Scrubber), cut and escape it.
func Said(body []byte) string {
	body = body[:min(len(body), maxSaid)]
	var value any
	if json.Unmarshal(body, &value) == nil {
		return saidJSON(value, 0)
	}
	text := strings.ToValidUTF8(string(body), "�")
	if start := strings.TrimSpace(text); strings.HasPrefix(start, "<") {
		return saidHTML(start)
	} else if strings.HasPrefix(start, "{") || strings.HasPrefix(start, "[") {
		return "" // JSON that breaks off
	}
	return oneLine(text)
}

// The members of an error in JSON, the first that says something counts, and
// those that say more about it.
var (
	saidFirst = []string{"errors", "message", "error", "msg", "title", "reason"}
	saidAfter = []string{"error_description", "detail", "details"}
)

// most bounds what is read of nested or repeated errors.
const most = 3

// saidJSON returns the message in a JSON value.
func saidJSON(value any, depth int) string {
	switch value := value.(type) {
	case string:
		return value
	case []any:
		var all []string
		for _, item := range value[:min(len(value), most)] {
			all = append(all, saidJSON(item, depth))
		}
		return joined("; ", all...)
	case map[string]any:
		if depth < most {
			return saidObject(value, depth+1)
		}
	}
	return ""
}

func saidObject(object map[string]any, depth int) string {
	first := ""
	for _, name := range saidFirst {
		if first = saidJSON(object[name], depth); first != "" {
			break
		}
	}
	if code, ok := object["code"].(string); ok && code != first {
		first = joined(": ", code, first)
	}
	for _, name := range saidAfter {
		if more, ok := object[name].(string); ok && more != first {
			return joined(": ", first, more)
		}
	}
	return first
}

// joined joins the texts that aren't empty.
func joined(separator string, texts ...string) string {
	var all []string
	for _, text := range texts {
		if text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, separator)
}

var (
	hiddenHTML = pinsetter.Pattern(`(?is)<(script|style|head)\b.*?(</(script|style|head)\s*>|$)|<!--.*?(-->|$)`)
	tagHTML    = pinsetter.Pattern(`(?s)<[^>]*(>|$)`)
	titleHTML  = pinsetter.Pattern(`(?is)<title\b[^>]*>(.*?)</title`)
)

// saidHTML returns the title of a page, else its text.
func saidHTML(page string) string {
	if title := titleHTML().FindStringSubmatch(page); title != nil {
		if text := oneLine(html.UnescapeString(tagHTML().ReplaceAllString(title[1], " "))); text != "" {
			return text
		}
	}
	return oneLine(html.UnescapeString(tagHTML().ReplaceAllString(hiddenHTML().ReplaceAllString(page, " "), " ")))
}

// oneLine returns text with each run of white space as one blank.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
