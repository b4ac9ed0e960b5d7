package charts

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pinsetter/pinsetter/strict"
)

// readYAML reads an index in YAML's block style, a line at a time: its keys, then the
// charts below "entries", the list of each, and of an entry three fields. Every line of
// a value in several lines is indented deeper than its key (YAML 1.2.2, section 8.2),
// so that nothing in a description is taken for a key.
func (x *index) readYAML(r *bufio.Reader) error {
	p := &yamlIndex{index: x, chartAt: -1, itemAt: -1, fieldAt: -1}
	for {
		line, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if wrong := p.line(line); wrong != nil {
			return wrong
		}
		if err != nil {
			break
		}
	}
	if err := p.endItem(); err != nil {
		return err
	}
	if !p.seen {
		return errNoEntries
	}
	return nil
}

// readLine returns a line without its end, and without what is beyond maxLine: no
// field that is read is that long.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimRight(line, "\r\n"), err
		}
	}
}

// yamlIndex is a position in an index.
type yamlIndex struct {
	*index
	seen    bool // the key entries
	inside  bool // below it
	chart   string
	chartAt int // indentation of charts' names; -1: not known yet
	itemAt  int // of the "-" of entries of this chart; -1: none came
	fieldAt int // of the fields of an entry
	item    *Version
	wrong   string // with the entry
}

func (p *yamlIndex) line(line []byte) error {
	text := bytes.TrimLeft(line, " ")
	indent := len(line) - len(text)
	switch {
	case len(text) == 0, text[0] == '#', indent == 0 && (bytes.HasPrefix(text, []byte("---")) || bytes.HasPrefix(text, []byte("..."))):
		return nil
	case indent == 0 && text[0] != '-':
		return p.key(text)
	case !p.inside:
		return nil
	case p.chartAt < 0 && text[0] != '-':
		p.chartAt = indent
		return p.name(text)
	case indent == p.chartAt && !isItem(text):
		return p.name(text)
	case isItem(text) && p.chartAt < 0:
		return errors.New("its entries are no charts")
	case isItem(text) && (p.itemAt < 0 && indent >= p.chartAt || indent == p.itemAt):
		return p.begin(text, indent)
	case indent == p.fieldAt && p.item != nil:
		p.field(text)
	case indent < max(p.chartAt, 0), indent < p.itemAt:
		return fmt.Errorf("it is not indented as an index is: %.40q", text)
	}
	return nil
}

func isItem(text []byte) bool {
	return text[0] == '-' && (len(text) == 1 || text[1] == ' ')
}

// key reads a key of the index itself.
func (p *yamlIndex) key(text []byte) error {
	if err := p.endItem(); err != nil {
		return err
	}
	inside := p.inside
	p.inside = false
	name, value, ok := scalar(text)
	if !ok && inside {
		return fmt.Errorf("a line among its entries is not indented: %.40q", text) // what follows may belong to an entry
	}
	if !ok || name != "entries" {
		return nil // the value of another key may go on in the next lines
	}
	if p.seen {
		return errors.New("it has entries twice")
	}
	p.seen = true
	switch {
	case strict.IsNull(value):
		p.inside = true
	case value.Kind != strict.Mapping || len(value.Content) > 0:
		return errors.New("its entries are in YAML's flow style: have it written by helm repo index, or as JSON")
	}
	return nil
}

// name reads the name of a chart.
func (p *yamlIndex) name(text []byte) error {
	if err := p.endItem(); err != nil {
		return err
	}
	name, _, ok := scalar(text)
	if !ok {
		return fmt.Errorf("the name of a chart was to come: %.40q", text)
	}
	p.chart, p.itemAt, p.fieldAt = name, -1, -1
	return nil
}

// begin begins an entry.
func (p *yamlIndex) begin(text []byte, indent int) error {
	if err := p.endItem(); err != nil {
		return err
	}
	p.itemAt, p.item, p.wrong = indent, &Version{}, ""
	rest := bytes.TrimLeft(text[1:], " ")
	if len(rest) == 0 || rest[0] == '#' {
		p.wrong = "it is not written as helm repo index writes it"
		return nil
	}
	p.fieldAt = indent + len(text) - len(rest)
	p.field(rest)
	return nil
}

// fields of an entry that are read.
var fields = [][]byte{[]byte("version"), []byte("digest"), []byte("deprecated"), []byte(`"version"`), []byte(`"digest"`), []byte(`"deprecated"`)}

// field reads a field of an entry.
func (p *yamlIndex) field(text []byte) {
	wanted := false
	for _, name := range fields {
		wanted = wanted || bytes.HasPrefix(text, name)
	}
	if !wanted || p.plain(text) {
		return
	}
	key, value, ok := scalar(text)
	switch {
	case !ok:
		p.wrong = "a field of it can't be read"
	case value.Kind != strict.Scalar && (key == "version" || key == "digest" || key == "deprecated"):
		p.wrong = key + " is no text"
	case key == "version" && value.Tag != "!!str":
		p.wrong = "its version is a number: it needs quotes"
		p.item.Version = value.Value
	case key == "version":
		p.item.Version = value.Value
	case key == "digest" && !strict.IsNull(value):
		p.item.Digest = value.Value
	case key == "deprecated":
		p.item.Deprecated = isTrue(value.Value)
	}
}

// isTrue reports whether a value is true to helm, whose YAML has the words of 1.1
// (https://yaml.org/type/bool.html).
func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "true", "yes", "on", "y":
		return true
	}
	return false
}

// plain reads a field as nearly all are written, without a parser: it takes a hundredth
// of the time. It reports whether it was one.
func (p *yamlIndex) plain(text []byte) bool {
	key, rest, ok := bytes.Cut(text, []byte(": "))
	value := string(rest)
	if !ok || strings.Trim(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-") != "" {
		return false
	}
	switch {
	case string(key) == "version" && strings.Count(value, ".") >= 2 && '0' <= value[0] && value[0] <= '9': // no number
		p.item.Version = value
	case string(key) == "digest" && len(value) == 64:
		p.item.Digest = value
	default:
		return false
	}
	return true
}

// endItem adds the entry that was read.
func (p *yamlIndex) endItem() error {
	if p.item == nil {
		return nil
	}
	v := *p.item
	p.item = nil
	return p.add(p.chart, v, p.wrong)
}
