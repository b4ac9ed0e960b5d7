package secret

import (
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// headerName is the grammar of RFC 9110, section 5.1.
var headerName = pinsetter.Pattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// maxHeaders bounds how many headers a Secret adds to a request.
const maxHeaders = 50

// Headers returns a key's YAML mapping of header names to values.
func (r *Reader) Headers(key string) map[string]pinsetter.Secret {
	value := r.value(key)
	if value == "" {
		return nil
	}
	plain, err := strict.Texts([]byte(value))
	if err != nil || len(plain) > maxHeaders {
		r.fail("has no YAML mapping of at most %d names to texts under %s", maxHeaders, key)
		return nil
	}
	headers := make(map[string]pinsetter.Secret, len(plain))
	for name, text := range plain {
		if !headerName().MatchString(name) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			r.fail("has a header under %s that can't be sent", key)
			return nil
		}
		headers[name] = r.named(key+"."+name, text)
	}
	return headers
}
