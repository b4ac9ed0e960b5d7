package taglist

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// errTooMany says that an answer holds more tags than allowed.
var errTooMany = errors.New("too many tags")

// parseTagList returns the tags of an answer to GET /v2/<name>/tags/list in
// their order. The answer is a JSON object whose "tags" is a list of strings or
// null. Other members are skipped; Google's registries send large ones. More
// than most tags are errTooMany.
//
// It is written by hand because this is the largest answer of a registry: the
// tags point into body and cost no allocation each. It accepts no document that
// encoding/json would refuse.
func parseTagList(body string, most int) ([]string, error) {
	p := &listParser{body: body, most: most}
	if !p.take('{') {
		return nil, p.fault("a JSON object")
	}
	seen := false
	for more := !p.take('}'); more; {
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			return nil, p.fault("a colon")
		}
		switch {
		case key != "tags":
			err = p.skip()
		case seen:
			err = errors.New("tags appears twice")
		default:
			seen = true
			err = p.list()
		}
		if err != nil {
			return nil, err
		}
		if more = p.take(','); !more && !p.take('}') {
			return nil, p.fault("a comma or the end of the object")
		}
	}
	if p.space(); p.at != len(p.body) {
		return nil, p.fault("the end")
	}
	if !seen {
		return nil, errors.New("there is no tags in it")
	}
	return p.tags, nil
}

// listParser is a position in a body.
type listParser struct {
	body string
	at   int
	most int
	tags []string
}

func (p *listParser) fault(wanted string) error {
	if p.at >= len(p.body) {
		return fmt.Errorf("it ends at byte %d, and %s was expected", p.at, wanted)
	}
	return fmt.Errorf("at byte %d: expected %s", p.at, wanted)
}

func (p *listParser) space() {
	for p.at < len(p.body) && isSpace(p.body[p.at]) {
		p.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// take skips white space and then c, and reports whether c was there.
func (p *listParser) take(c byte) bool {
	p.space()
	if p.at == len(p.body) || p.body[p.at] != c {
		return false
	}
	p.at++
	return true
}

// list parses the value of "tags".
func (p *listParser) list() error {
	p.space()
	if strings.HasPrefix(p.body[p.at:], "null") {
		p.at += len("null")
		return nil
	}
	if !p.take('[') {
		return p.fault("a list of tags")
	}
	p.tags = make([]string, 0, min(strings.Count(p.body[p.at:], ",")+1, p.most))
	for more := !p.take(']'); more; {
		tag, err := p.text()
		if err != nil {
			return err
		}
		if len(p.tags) == p.most {
			return errTooMany
		}
		p.tags = append(p.tags, tag)
		if more = p.take(','); !more && !p.take(']') {
			return p.fault("a comma or the end of the list")
		}
	}
	return nil
}

// text parses a string. Without escapes the result points into the body.
func (p *listParser) text() (string, error) {
	if !p.take('"') {
		return "", p.fault("a string")
	}
	start := p.at
	for ; p.at < len(p.body); p.at++ {
		switch c := p.body[p.at]; {
		case c == '"':
			p.at++
			return p.body[start : p.at-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", p.fault("no control character, but a string")
		}
	}
	return "", p.fault("the end of a string")
}

// escaped parses the rest of a string that began at start, from its first
// escape on.
func (p *listParser) escaped(start int) (string, error) {
	for ; p.at < len(p.body); p.at++ {
		switch p.body[p.at] {
		case '\\':
			p.at++
		case '"':
			p.at++
			var text string
			if err := json.Unmarshal([]byte(p.body[start-1:p.at]), &text); err != nil {
				return "", fmt.Errorf("the string at byte %d has a malformed escape", start)
			}
			return text, nil
		}
	}
	return "", p.fault("the end of a string")
}

// skip skips a value of any kind.
func (p *listParser) skip() error {
	p.space()
	start, depth := p.at, 0
	for p.at < len(p.body) {
		c := p.body[p.at]
		if depth == 0 && p.at > start && (c == ',' || c == '}' || c == ']') {
			break
		}
		switch c {
		case '"':
			if _, err := p.text(); err != nil {
				return err
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		p.at++
	}
	if !json.Valid([]byte(p.body[start:p.at])) {
		return fmt.Errorf("the value at byte %d is malformed", start)
	}
	return nil
}
