package login

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// disguises returns the forms in which a secret may appear in a text: as it is;
// its lines, and all of it on one line; escaped for URLs, JSON, Go and HTML; in
// hexadecimal; and the part of its base64 that doesn't depend on its position
// in a longer text. They are sorted, and none is shorter than leastSecret.
func disguises(secret string) []string {
	found := map[string]bool{}
	for _, plain := range plains(secret) {
		for _, spelling := range escapes(plain) {
			found[spelling] = true
		}
	}
	for _, spelling := range inBase64(secret) {
		found[spelling] = true
	}
	maps.DeleteFunc(found, func(spelling string, _ bool) bool { return len(spelling) < leastSecret })
	return slices.Sorted(maps.Keys(found))
}

// plains returns a secret without white space around it, the same on one line,
// and those of its lines that are long enough to be secret.
func plains(secret string) []string {
	if len(secret) < leastSecret {
		return nil
	}
	all := []string{secret, strings.TrimSpace(secret), strings.Join(strings.Fields(secret), " ")}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= leastPart && !strings.HasPrefix(line, "-----") {
			all = append(all, line)
		}
	}
	return all
}

// escapes returns a text in plain and escaped forms.
func escapes(plain string) []string {
	query := url.QueryEscape(plain)
	return []string{
		plain,
		query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(plain),
		inJSON(plain, true), inJSON(plain, false), strings.ReplaceAll(inJSON(plain, false), "/", `\/`),
		strings.Trim(strconv.Quote(plain), `"`), strings.Trim(strconv.QuoteToASCII(plain), `"`),
		html.EscapeString(plain),
		hex.EncodeToString([]byte(plain)),
	}
}

// inJSON returns a text as written between the quotes of a JSON string.
func inJSON(plain string, forHTML bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(forHTML)
	if encoder.Encode(plain) != nil {
		return plain
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), `"`), `"`)
}

// inBase64 returns the secret in both alphabets of base64: alone, and within a
// text for each of the three possible alignments, without the characters that
// also depend on the text around it.
func inBase64(secret string) []string {
	if len(secret) < leastSecret {
		return nil
	}
	all := []string{base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret))}
	for before := range 3 {
		padded := append(make([]byte, before), secret...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			first, last := (before*8+5)/6, len(padded)*8/6
			all = append(all, encoding.EncodeToString(padded)[first:last])
		}
	}
	return all
}
