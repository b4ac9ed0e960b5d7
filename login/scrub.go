package login

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/pinsetter/pinsetter"
)

// Bounds of a Scrubber, in bytes.
const (
	maxRead     = 64 << 10 // of a text that is looked at
	maxScrubbed = 16 << 10 // of a text that it returns
	leastSecret = 4        // a shorter one is in too many words
	leastPart   = 12       // of a secret's beginning that is taken for the secret
)

// Scrubber takes secrets out of text that a server had a part in: a server may
// say everything that it was sent. It knows a secret in the spellings that
// programs have for it, in any case, escaped in any way, and by its beginning where a
// text was cut.
//
// What is told of one server goes through one Scrubber, that knows all that is
// sent there. The zero Scrubber is ready for use and knows no secret, as does a
// nil one. It is safe for concurrent use.
type Scrubber struct {
	mu    sync.RWMutex
	known map[string][]disguise // by slot
}

// disguise is a spelling of a secret, in lower case, and what is written for it.
type disguise struct{ spelling, name string }

// Keep has the Scrubber know these secrets, in place of those that it was given
// for the slot before. A slot is a word for what is sent, such as "password":
// what is renewed is known as often as it is sent, and no longer.
func (s *Scrubber) Keep(slot string, secrets ...pinsetter.Secret) {
	var all []disguise
	for _, secret := range secrets {
		for _, spelling := range disguises(secret.Reveal()) {
			all = append(all, disguise{lowered(spelling), secret.String()})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string][]disguise{}
	}
	s.known[slot] = all
}

// KeepLogin is Keep for what a login is sent as.
func (s *Scrubber) KeepLogin(slot, user string, password pinsetter.Secret) {
	s.Keep(slot, SentAs(user, password)...)
}

// SentAs returns what a user name and a password are sent as by HTTP Basic: the
// password, and the pair as the header has it; the pair itself only where the
// password is too short to be known alone, as a long user name counts for the
// beginning of the pair and is no secret. There is none without a password.
func SentAs(user string, password pinsetter.Secret) []pinsetter.Secret {
	if password.IsZero() {
		return nil
	}
	name, pair := strings.Trim(password.String(), "[]"), user+":"+password.Reveal()
	header := base64.StdEncoding.EncodeToString([]byte(pair))
	all := []pinsetter.Secret{password, pinsetter.NewSecret(name, header)}
	if len(password.Reveal()) < leastSecret {
		all = append(all, pinsetter.NewSecret(name, pair))
	}
	return all
}

// Text returns text with the names of secrets in the place of secrets, as
// pinsetter.Secret prints them, and no more than 16 KiB of it: "…" follows where
// it was longer.
func (s *Scrubber) Text(text string) string {
	text = bounded(text, maxRead)
	if s == nil {
		return bounded(text, maxScrubbed)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	spans := s.find(text)
	if len(spans) == 0 {
		return bounded(text, maxScrubbed)
	}
	// A name may hold what it stands for, or make it anew with what is around it.
	for _, placeholder := range []string{"", "***"} {
		if clean := bounded(replaced(text, spans, placeholder), maxScrubbed); len(s.find(clean)) == 0 {
			return clean
		}
	}
	return ""
}

// Data returns data that is more than text to show, such as an answer in JSON,
// with names in the place of secrets of twelve bytes and more, where the whole
// secret is there: whatever else it holds stays, and its length has no bound.
func (s *Scrubber) Data(data []byte) []byte {
	if s == nil {
		return data
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	low, covered := lowered(string(data)), make(map[int]span)
	for _, slot := range s.known {
		for _, d := range slot {
			if len(d.spelling) >= leastPart {
				findAll(low, d, covered)
			}
		}
	}
	if len(covered) == 0 {
		return data
	}
	return []byte(replaced(string(data), merged(covered), ""))
}

// findAll notes where a whole spelling is.
func findAll(low string, d disguise, covered map[int]span) {
	for from := 0; ; {
		at := strings.Index(low[from:], d.spelling)
		if at < 0 {
			return
		}
		start := from + at
		from = start + len(d.spelling)
		if from > covered[start].end {
			covered[start] = span{start, from, d.name}
		}
	}
}

// Error returns an error with the same chain whose text is that of Text; nil for
// nil.
func (s *Scrubber) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := s.Text(text); clean != text {
		return &scrubbed{clean, err}
	}
	return err
}

// scrubbed is an error without the secrets of its text.
type scrubbed struct {
	text string
	err  error
}

func (e *scrubbed) Error() string { return e.text }
func (e *scrubbed) Unwrap() error { return e.err }

// span is where in a text a secret is.
type span struct {
	start, end int
	name       string
}

// find returns where secrets are in text, in order, without overlaps. The caller
// holds the lock.
func (s *Scrubber) find(text string) []span {
	covered := make(map[int]span) // by start; the longest
	note := func(start, end int, name string) {
		if end > covered[start].end {
			covered[start] = span{start, end, name}
		}
	}
	s.findIn(lowered(text), note)
	if plain, some := unescape(text); some {
		s.findIn(lowered(plain.text), func(start, end int, name string) { note(plain.at[start], plain.at[end], name) })
	}
	return merged(covered)
}

// findIn notes where spellings are in a text in lower case.
func (s *Scrubber) findIn(low string, note func(start, end int, name string)) {
	for _, slot := range s.known {
		for _, d := range slot {
			findWhole(low, d, note)
			findCut(low, d, note)
		}
	}
}

// findWhole notes where a spelling is, or enough of its beginning.
func findWhole(low string, d disguise, note func(start, end int, name string)) {
	key := d.spelling[:min(len(d.spelling), leastPart)]
	for from := 0; ; {
		at := strings.Index(low[from:], key)
		if at < 0 {
			return
		}
		start := from + at
		end := start + common(low[start:], d.spelling)
		note(start, end, d.name)
		from = max(start+1, end-len(key)+1) // what begins before lies in what was found
	}
}

// findCut notes where a text was cut within a spelling, which "…" shows.
func findCut(low string, d disguise, note func(start, end int, name string)) {
	for from := 0; ; {
		at := strings.Index(low[from:], "…")
		if at < 0 {
			return
		}
		cut := from + at
		before := strings.TrimRight(low[:cut], `"'\`)
		for n := min(len(d.spelling), leastPart, len(before)); n >= leastSecret; n-- {
			if strings.HasSuffix(before, d.spelling[:n]) {
				note(len(before)-n, len(before), d.name)
				break
			}
		}
		from = cut + len("…")
	}
}

// common returns how long a and b are the same.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// merged returns spans in order, those that touch as one.
func merged(covered map[int]span) []span {
	var all []span
	for _, start := range slices.Sorted(maps.Keys(covered)) {
		next := covered[start]
		if n := len(all); n > 0 && next.start <= all[n-1].end {
			all[n-1].end = max(all[n-1].end, next.end)
			continue
		}
		all = append(all, next)
	}
	return all
}

// replaced returns text with the placeholder for each span; "": the span's name.
func replaced(text string, spans []span, placeholder string) string {
	var out strings.Builder
	from := 0
	for _, at := range spans {
		out.WriteString(text[from:at.start])
		if placeholder == "" {
			out.WriteString(at.name)
		} else {
			out.WriteString(placeholder)
		}
		from = at.end
	}
	out.WriteString(text[from:])
	return out.String()
}

// bounded cuts a text to so many bytes, between characters.
func bounded(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len("…")
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// lowered makes the capitals of ASCII small; every byte stays where it is.
func lowered(text string) string {
	bytes := []byte(text)
	for i, b := range bytes {
		if b >= 'A' && b <= 'Z' {
			bytes[i] = b + ('a' - 'A')
		}
	}
	return string(bytes)
}
