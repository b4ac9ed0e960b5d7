package message

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// The trailers of the bot's commits. As in Git, case doesn't matter in a
// trailer's key.
const (
	trailerPrefix     = "Pinsetter-"
	automationTrailer = "Pinsetter-Automation" // namespace/name
	changeTrailer     = "Pinsetter-Change"     // one change; see encodeChange
	changesTrailer    = "Pinsetter-Changes"    // number of all changes, if not all are listed
	imageTrailer      = "Pinsetter-Image"      // where an image comes from; see encodeImage. Nothing reads it back
)

// The bounds of trailers: they keep a message readable, and far below what
// forges display. A change that doesn't fit is counted and not listed.
const (
	maxChanges       = 500
	maxChange        = 4 << 10 // bytes of one encoded change
	maxTrailersBytes = 128 << 10
	maxImages        = 50
)

// Parsed is the content of a commit message's trailers.
type Parsed struct {
	Automation pinsetter.Name     // zero: no commit of the bot, or one without trailers
	Changes    []pinsetter.Change // the listed ones
	Complete   bool               // the automation is named, and all its changes are listed and readable
}

// Trailers returns the trailers of an automation's commit, one a line: the
// automation, then its changes in the given order. If some don't fit, a line
// gives the number of all.
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

// trailerBlocks is the number of trailer paragraphs to search: a forge that
// squashes adds a paragraph with "Co-authored-by" after ours.
const trailerBlocks = 3

// ParseTrailers parses the trailers at the end of a commit message; only other
// trailers may follow them. The caller has to check who wrote the message.
// Without trailers of Pinsetter it returns the zero Parsed.
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

// parseBlock parses a paragraph of trailers, and reports whether any is
// Pinsetter's.
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

// ImageTrailers returns the trailers that say where written images come from, one a
// line, in the given order: those of which something is known, up to a bound. They
// are for people and programs that read the history.
func ImageTrailers(images []pinsetter.Written) []string {
	var lines []string
	for _, image := range images {
		if encoded := encodeImage(image); image.String() != "" && len(lines) < maxImages && len(encoded) <= maxChange {
			lines = append(lines, imageTrailer+": "+encoded)
		}
	}
	return lines
}

// encodeImage encodes an image as encodeChange does a change.
func encodeImage(w pinsetter.Written) string {
	created := ""
	if !w.Created.IsZero() {
		created = w.Created.UTC().Format(time.RFC3339)
	}
	return encode([]field{
		{"policy", &w.Policy}, {"ref", &w.Ref}, {"digest", &w.Digest},
		{"source", &w.Source}, {"revision", &w.Revision}, {"created", &created}, {"signer", &w.Signer},
		{"builder", &w.Builder}, {"builtFrom", &w.BuiltFrom},
	})
}

// encodeChange encodes a change as the query of a URL, with a fixed order of
// keys and without empty ones. It escapes all bytes except letters, digits and
// "-", "_", ".", "~", "/". So the value is one line of ASCII that can't form
// another trailer, mention anybody or refer to an issue.
func encodeChange(c pinsetter.Change) string {
	text := encode(fields(&c))
	if c.Line > 0 {
		text += fmt.Sprintf("&line=%d", c.Line)
	}
	return strings.TrimPrefix(text, "&")
}

// encode encodes fields as the query of a URL, in their order and without empty
// ones.
func encode(fields []field) string {
	var b strings.Builder
	for _, field := range fields {
		if *field.value == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(field.key + "=" + escape(*field.value))
	}
	return b.String()
}

// decodeChange reverses encodeChange. It ignores unknown keys, for future
// versions.
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

// unescape reverses escape. It returns badly escaped text unchanged.
func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
