package registry

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// challenge is a scheme by which a server asks for a login (RFC 9110, section
// 11.6.1).
type challenge struct {
	scheme     string            // in lower case
	parameters map[string]string // by names in lower case; of two with one name the first
}

// maxChallenges bounds the challenges of one answer. Real ones have up to five.
const maxChallenges = 20

// challengesOf returns the challenges of an answer in their order, nil if it
// has none. They may stand in several WWW-Authenticate headers or, separated by
// commas, in one. What is no challenge is passed over.
func challengesOf(response *http.Response) []challenge {
	var all []challenge
	for _, value := range response.Header.Values("WWW-Authenticate") {
		all = append(all, parseChallenges(value)...)
	}
	return all[:min(len(all), maxChallenges)]
}

// parseChallenges returns the challenges of one header.
func parseChallenges(header string) []challenge {
	var all []challenge
	rest := strings.TrimLeft(header, " \t,")
	for rest != "" && len(all) <= maxChallenges {
		word, after := cutToken(rest)
		value, behind, named := cutValue(after)
		switch {
		case word == "":
			rest = rest[1:] // nothing that belongs here
		case named && len(all) > 0:
			all[len(all)-1].set(strings.ToLower(word), value)
			rest = behind
		case named:
			rest = behind
		default:
			all = append(all, challenge{scheme: strings.ToLower(word), parameters: map[string]string{}})
			rest = afterToken68(after)
		}
		rest = strings.TrimLeft(rest, " \t,")
	}
	return all
}

func (c challenge) set(name, value string) {
	if _, twice := c.parameters[name]; !twice {
		c.parameters[name] = value
	}
}

// cutToken cuts a token (RFC 9110, section 5.6.2) from the start of text.
func cutToken(text string) (token, rest string) {
	end := strings.IndexFunc(text, func(c rune) bool { return !isTokenLetter(c) })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

func isTokenLetter(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c < 128 && strings.ContainsRune("!#$%&'*+-.^_`|~", c)
}

// cutValue cuts the value of a parameter, "=" and a token or a quoted string,
// from the start of text. Values that should be quoted end at a comma or a
// blank.
func cutValue(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t"), "=")
	text = strings.TrimLeft(text, " \t")
	if !ok || text == "" || text[0] != '"' {
		end := strings.IndexAny(text, ", \t")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], ok
	}
	var plain strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return plain.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		plain.WriteByte(text[i])
	}
	return plain.String(), "", true
}

// afterToken68 returns the text behind the data that schemes such as Negotiate
// have in place of parameters, and the whole text if there is none.
func afterToken68(text string) string {
	data, rest, _ := strings.Cut(strings.TrimLeft(text, " \t"), ",")
	data = strings.TrimRight(data, " \t")
	if data == "" || strings.TrimLeft(data, "=") != data || strings.ContainsAny(strings.TrimRight(data, "="), "= \t\"") {
		return text
	}
	return rest
}

// realm returns the address of the token server that a challenge names, and
// false if it names none that could be asked.
func (c challenge) realm() (*url.URL, bool) {
	realm, err := url.Parse(c.parameters["realm"])
	if err != nil || realm.Scheme != "https" && realm.Scheme != "http" || realm.Host == "" {
		return nil, false
	}
	return realm, true
}

const (
	schemeBearer = "bearer"
	schemeBasic  = "basic"
)

// answered returns the challenge to answer, and false if none can be: Bearer if
// it names a token server, else Basic, else a Bearer that says why it can't be
// answered.
func answered(all []challenge) (challenge, bool) {
	for _, c := range all {
		if _, ok := c.realm(); ok && c.scheme == schemeBearer {
			return c, true
		}
	}
	for _, scheme := range []string{schemeBasic, schemeBearer} {
		if i := slices.IndexFunc(all, func(c challenge) bool { return c.scheme == scheme }); i >= 0 {
			return all[i], true
		}
	}
	return challenge{}, false
}

// schemes returns the names of the schemes for people, sorted.
func schemes(all []challenge) string {
	names := map[string]bool{}
	for _, c := range all {
		names[pinsetter.Display(c.scheme)] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), ", ")
}
