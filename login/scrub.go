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
	maxRead     = 64 << 10 // of a text that is searched
	maxScrubbed = 16 << 10 // of a returned text
	leastSecret = 4        // shorter ones are part of too many words
	leastPart   = 12       // of the beginning of a secret that counts as the secret
)

// Scrubber removes secrets from text that a server contributed to: a server may
// repeat anything that it was sent. It recognises a secret in its usual
// encodings, in any case, with any escapes, and by its beginning if the text
// was cut.
//
// Use one Scrubber for each server, and give it all secrets that are sent
// there. A zero or nil Scrubber knows no secret. It is safe for concurrent use.
type Scrubber struct {
	mu    sync.RWMutex
	known map[string][]disguise // by slot
}

// disguise is a form of a secret, in lower case, and the name to replace it
// with.
type disguise struct{ spelling, name string }

// Keep gives the Scrubber secrets. They replace those that were given for the
// same slot before. A slot is a word for the purpose, such as "password";
// renewed secrets are then known only as long as they are in use.
func (s *Scrubber) Keep(slot string, secrets ...pinsetter.Secret) {
	var all []disguise
	for _, secret := range secrets {
		for _, spelling := range disguises(secret.Reveal()) {
			all = append(all, disguise{lowered(spelling), secret.String()})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(all) == 0 {
		delete(s.known, slot)
		return
	}
	if s.known == nil {
		s.known = map[string][]disguise{}
	}
	s.known[slot] = all
}

// KeepLogin is Keep for a user name and password.
func (s *Scrubber) KeepLogin(slot, user string, password pinsetter.Secret) {
	s.Keep(slot, SentAs(user, password)...)
}

// SentAs returns the secrets that HTTP Basic sends for a user name and a
// password: the password, and the encoded pair. It returns the whole pair only
// if the password is too short to be recognised alone: otherwise a long user
// name, which is no secret, would match as the beginning of the pair. Without a
// password it returns none.
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

// Text returns text with each secret replaced by its name, as pinsetter.Secret
// prints it. It cuts the result to 16 KiB and then appends "…".
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
	// A name may contain the secret, or form one together with the text around
	// it.
	for _, placeholder := range []string{"", "***"} {
		if clean := bounded(replaced(text, spans, placeholder), maxScrubbed); len(s.find(clean)) == 0 {
			return clean
		}
	}
	return ""
}

// Data is Text for data that programs read, such as a JSON answer. It replaces
// only complete secrets of at least twelve bytes, leaves everything else alone,
// and has no bound on the length.
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

// findAll records the complete occurrences of a spelling.
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

// Error returns an error with the same chain and a text as from Text. For nil
// it returns nil.
func (s *Scrubber) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if clean := s.Text(text); clean != text {
		return &scrubbedError{clean, err}
	}
	return err
}

// scrubbedError is an error with secrets removed from its text.
type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }
func (e *scrubbedError) Unwrap() error { return e.err }

// span is the position of a secret in a text.
type span struct {
	start, end int
	name       string
}

// find returns the positions of secrets in text, sorted, without overlaps. The
// caller holds the lock.
func (s *Scrubber) find(text string) []span {
	covered := make(map[int]span) // by start; the longest one
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

// findIn records the spellings in a text in lower case.
func (s *Scrubber) findIn(low string, note func(start, end int, name string)) {
	for _, slot := range s.known {
		for _, d := range slot {
			findWhole(low, d, note)
			findCut(low, d, note)
		}
	}
}

// findWhole records a spelling, or a sufficiently long beginning of it.
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
		from = max(start+1, end-len(key)+1) // an earlier start lies in what was found already
	}
}

// findCut records a spelling that the text cuts short, as "…" shows.
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

// common returns the length of the common prefix of a and b.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// merged returns spans sorted, with touching ones joined.
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

// replaced returns text with the placeholder instead of each span; "": the
// span's name.
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

// bounded cuts a text to limit bytes, between characters.
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

// lowered converts ASCII capitals to lower case. Offsets don't change.
func lowered(text string) string {
	bytes := []byte(text)
	for i, b := range bytes {
		if b >= 'A' && b <= 'Z' {
			bytes[i] = b + ('a' - 'A')
		}
	}
	return string(bytes)
}
