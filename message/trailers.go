package message

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// The trailers of the bot's commits. Keys of trailers are compared without
// regard to case, as Git does.
const (
	trailerPrefix     = "Pinsetter-"
	automationTrailer = "Pinsetter-Automation" // namespace/name
	changeTrailer     = "Pinsetter-Change"     // one change, as encodeChange writes it
	changesTrailer    = "Pinsetter-Changes"    // how many there are, where not all are listed
)

// The bounds on trailers: with them a message stays readable, and well below
// what forges show. A change that does not fit is not listed, and counted.
const (
	maxChanges       = 500
	maxChange        = 4 << 10 // bytes of one encoded change
	maxTrailersBytes = 128 << 10
)

// Parsed is what the trailers of a commit message say.
type Parsed struct {
	Automation pinsetter.Name     // zero: not a commit of the bot with trailers
	Changes    []pinsetter.Change // those that are listed
	Complete   bool               // the automation is named, and all its changes are listed and could be read
}

// Trailers returns the trailers of an automation's commit, one a line: the
// automation, and its changes in the order given. Where there are too many or
// too long ones, a line says how many there are in all.
func Trailers(automation pinsetter.Name, changes []pinsetter.Change) []string {
	lines := []string{automationTrailer + ": " + escape(automation.String())}
	size := 0
	for _, c := range changes {
		encoded := encodeChange(c)
		if len(lines) > maxChanges || len(encoded) > maxChange || size+len(encoded) > maxTrailersBytes {
			continue
		}
		size += len(encoded)
		lines = append(lines, changeTrailer+": "+encoded)
	}
	if listed := len(lines) - 1; listed < len(changes) {
		lines = append(lines, fmt.Sprintf("%s: %d (%d listed)", changesTrailer, len(changes), listed))
	}
	return lines
}

// trailerBlocks is how many paragraphs of trailers are looked through: a forge
// that squashes puts "Co-authored-by" into one of its own behind ours.
const trailerBlocks = 3

// ParseTrailers reads the trailers of a commit message, where only other trailers
// follow them. Who wrote the message is for the caller to judge. It returns the
// zero Parsed where there are none of Pinsetter's.
func ParseTrailers(message string) Parsed {
	for range trailerBlocks {
		lines := strings.Split(strings.TrimRight(message, " \t\r\n"), "\n")
		start := trailerBlock(lines)
		if start < 0 {
			break
		}
		if p, ours := parseBlock(lines[start:]); ours {
			return p
		}
		message = strings.Join(lines[:start], "\n")
	}
	return Parsed{}
}

// parseBlock reads a paragraph of trailers, and reports whether any is Pinsetter's.
func parseBlock(lines []string) (p Parsed, ours bool) {
	p.Complete = true
	for _, line := range lines {
		key, value, ok := parseTrailer(line)
		if !ok {
			continue
		}
		switch {
		case strings.EqualFold(key, automationTrailer):
			namespace, name, _ := strings.Cut(value, "/")
			p.Automation = pinsetter.Name{Namespace: unescape(namespace), Name: unescape(name)}
		case strings.EqualFold(key, changeTrailer):
			c, err := decodeChange(value)
			if err != nil {
				p.Complete = false
				break
			}
			p.Changes = append(p.Changes, c)
		case strings.EqualFold(key, changesTrailer):
			p.Complete = false
		default:
			continue
		}
		ours = true
	}
	p.Complete = p.Complete && p.Automation != pinsetter.Name{}
	return p, ours
}

// encodeChange writes a change as the query of a URL, in a fixed order of keys
// and without those that are empty. All bytes but letters, digits and "-", "_",
// ".", "~", "/" are escaped, so that the value is one line of ASCII that forms no
// other trailer, mentions nobody and refers to no issue.
func encodeChange(c pinsetter.Change) string {
	var b strings.Builder
	for _, field := range fields(&c) {
		if *field.value == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(field.key + "=" + escape(*field.value))
	}
	if c.Line > 0 {
		fmt.Fprintf(&b, "&line=%d", c.Line)
	}
	return strings.TrimPrefix(b.String(), "&")
}

// decodeChange reads what encodeChange wrote. Keys that it does not know are
// passed over, for versions to come.
func decodeChange(s string) (pinsetter.Change, error) {
	var c pinsetter.Change
	query, err := url.ParseQuery(s)
	if err != nil {
		return c, fmt.Errorf("parse change: %w", err)
	}
	for _, field := range fields(&c) {
		*field.value = query.Get(field.key)
	}
	if line := query.Get("line"); line != "" {
		if c.Line, err = strconv.Atoi(line); err != nil || c.Line < 0 {
			return c, fmt.Errorf("parse change: line %q is no number", line)
		}
	}
	if c.Path == "" || c.Setter == "" {
		return c, errors.New("parse change: path or setter is missing")
	}
	return c, nil
}

type field struct {
	key   string
	value *string
}

func fields(c *pinsetter.Change) []field {
	return []field{
		{"path", &c.Path},
		{"setter", &c.Setter},
		{"old", &c.Old},
		{"new", &c.New},
		{"apiVersion", &c.Object.APIVersion},
		{"kind", &c.Object.Kind},
		{"namespace", &c.Object.Namespace},
		{"name", &c.Object.Name},
	}
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/") }

// unescape is the reverse of escape; what is not escaped well is returned as it
// is.
func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
