package taglist

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// NextLink returns the target of the Link header's rel="next" (RFC 8288), "" if
// there is none. A link without any rel counts as next, as registry clients
// have always read it. Values are those of all Link headers.
func NextLink(values []string) (string, error) {
	for _, value := range values {
		for rest := strings.TrimSpace(value); rest != ""; {
			target, parameters, after, err := cutLink(rest)
			if err != nil {
				return "", err
			}
			if isNext(parameters) {
				return target, nil
			}
			rest = after
		}
	}
	return "", nil
}

// cutLink splits the first link, `<target>; parameters`, from a header's value.
func cutLink(value string) (target, parameters, rest string, err error) {
	inner, ok := strings.CutPrefix(value, "<")
	target, tail, closed := strings.Cut(inner, ">")
	if !ok || !closed {
		return "", "", "", fmt.Errorf("malformed Link header %s", pinsetter.Quote(value))
	}
	quote := false
	for i := range len(tail) {
		switch {
		case tail[i] == '"':
			quote = !quote
		case tail[i] == ',' && !quote:
			return target, tail[:i], strings.TrimLeft(tail[i+1:], " \t,"), nil
		}
	}
	return target, tail, "", nil
}

// isNext reports whether a link's parameters name the relation "next", or none.
func isNext(parameters string) bool {
	related := false
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(strings.TrimSpace(key), "rel") {
			continue
		}
		related = true
		for relation := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(relation, "next") {
				return true
			}
		}
	}
	return !related
}

// ResolveLink returns the URL of a link on the page at, whose last tag is given.
//
// Registries behind a proxy link to the path, port or host by which they know
// themselves. So a link that says after which tag to go on is read for its
// query alone, which goes to the path that was asked; to another host only if
// the tag is the page's last. Any other link to another host is an error. A
// link to http:// on the same host is read as https.
func ResolveLink(at *url.URL, link, last string) (*url.URL, error) {
	target, err := url.Parse(link)
	if err != nil {
		return nil, fmt.Errorf("malformed Link to the next page: %s", pinsetter.Quote(link))
	}
	next := at.ResolveReference(target)
	if next.Scheme == "http" {
		next.Scheme = at.Scheme
	}
	home, query := pinsetter.SameOrigin(next, at) && next.User == nil && next.Opaque == "", next.Query()
	switch {
	case home && (next.Path == at.Path || !query.Has("last") && !query.Has("n")):
	case home, last != "" && query.Get("last") == last:
		own := *at
		own.RawQuery = next.RawQuery
		next = &own
	default:
		return nil, fmt.Errorf("the Link to the next page leads away from %s: %s; it is not followed", at.Host, pinsetter.Quote(link))
	}
	next.Host, next.Fragment, next.RawFragment = at.Host, "", ""
	return next, nil
}
