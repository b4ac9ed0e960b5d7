package charts

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// Bounds on an index. Flux's own is 50 MiB (source-controller, helm.MaxIndexSize).
const (
	maxIndex    = 100 << 20 // bytes, unpacked
	maxLine     = 1 << 20   // bytes of a line; the rest of a longer one is passed over
	maxVersions = 1_000_000 // of all charts
	maxBroken   = 100       // entries that are told
)

// Version is a version of a chart, as the index has it.
type Version struct {
	Version    string
	Digest     string // of the chart's archive, "sha256:…"; "" if the index has none
	Deprecated bool
}

// index is what is kept of an index.yaml: the versions of each chart in their order,
// each once, the first.
type index struct {
	charts map[string][]Version
	broken map[string][]string // by chart: what is wrong with entries that were passed over, for people
	told   int                 // of them
	count  int
}

// read reads an index in YAML, as helm repo index and its like write it, or in JSON. It
// keeps no more than the versions. An entry that can't be read is passed over; the
// error is for an index that is cut, too large, or none.
func read(r io.Reader) (*index, error) {
	limited := &io.LimitedReader{R: r, N: maxIndex + 1}
	lines := bufio.NewReaderSize(limited, 64<<10)
	x := &index{charts: map[string][]Version{}, broken: map[string][]string{}}
	var err error
	if first, peekErr := firstByte(lines); peekErr != nil {
		err = peekErr
	} else if first == '{' {
		err = x.readJSON(lines)
	} else {
		err = x.readYAML(lines)
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("it is larger than %d MiB", maxIndex>>20)
	}
	if err != nil {
		return nil, err
	}
	return x, nil
}

// firstByte returns the first byte that is neither white space nor a byte order mark,
// and leaves it to be read.
func firstByte(r *bufio.Reader) (byte, error) {
	if mark, _ := r.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = r.Discard(3)
	}
	for {
		b, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return 0, errors.New("it is empty")
		}
		if err != nil {
			return 0, err
		}
		if b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			return b, r.UnreadByte()
		}
	}
}

// add adds a version of a chart, or notes why it is passed over.
func (x *index) add(chart string, v Version, wrong string) error {
	if wrong == "" {
		v, wrong = v.checked()
	}
	if wrong != "" {
		if x.told < maxBroken {
			x.told++
			x.broken[chart] = append(x.broken[chart], strings.TrimPrefix(pinsetter.Printable(v.Version+": "+wrong), ": "))
		}
		return nil
	}
	if x.count++; x.count > maxVersions {
		return fmt.Errorf("it has more than %d versions", maxVersions)
	}
	x.charts[chart] = append(x.charts[chart], v)
	return nil
}

// checked returns the version with its digest in our form, or what is wrong with it.
func (v Version) checked() (Version, string) {
	v.Digest = strings.ToLower(v.Digest)
	if bare, err := hex.DecodeString(v.Digest); err == nil && len(bare) == 32 {
		v.Digest = "sha256:" + v.Digest
	}
	switch {
	case v.Version == "":
		return v, "it has no version"
	case !pinsetter.ValidTag(Tag(v.Version)) || strings.Contains(v.Version, "_"):
		return v, "its version is none"
	case v.Digest != "" && !pinsetter.ValidDigest(v.Digest):
		return v, "its digest is no SHA-256"
	}
	return v, ""
}

// Tag returns the tag that a registry would have for a version: with "_" for "+".
func Tag(version string) string { return strings.ReplaceAll(version, "+", "_") }

// readJSON reads an index in JSON, an entry at a time.
func (x *index) readJSON(r io.Reader) error {
	d := json.NewDecoder(r)
	seen := false
	if err := eachKey(d, func(key string) error {
		if key != "entries" {
			return skip(d)
		}
		seen = true
		return eachKey(d, func(chart string) error { return x.chartJSON(d, chart) })
	}); err != nil {
		return fmt.Errorf("it is not the JSON of an index: %w", err)
	}
	if !seen {
		return errNoEntries
	}
	return nil
}

var errNoEntries = errors.New("it has no entries: is it the index of a chart repository?")

// chartJSON reads the entries of one chart.
func (x *index) chartJSON(d *json.Decoder, chart string) error {
	switch token, err := d.Token(); {
	case err != nil:
		return err
	case token == nil: // null
		return nil
	case token != json.Delim('['):
		return errors.New("the entries of a chart are no list")
	}
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		var entry struct {
			Version    string `json:"version"`
			Digest     string `json:"digest"`
			Deprecated bool   `json:"deprecated"`
		}
		wrong := ""
		if json.Unmarshal(raw, &entry) != nil {
			wrong = "a field is of another type than it should be"
		}
		if err := x.add(chart, Version{entry.Version, entry.Digest, entry.Deprecated}, wrong); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// eachKey calls do at the value of each key of an object.
func eachKey(d *json.Decoder, do func(key string) error) error {
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return cmpOr(err, errors.New("an object was to come"))
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if err := do(token.(string)); err != nil { // keys are strings, or Token fails
			return err
		}
	}
	_, err := d.Token()
	return err
}

func cmpOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// skip reads a value of any kind, a token at a time.
func skip(d *json.Decoder) error {
	depth := 0
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// scalar returns the value of "key: value" in one line of YAML. It is false if the value
// isn't a scalar in that line.
func scalar(line []byte) (key string, value *strict.Node, ok bool) {
	documents := strict.Split(line)
	if len(documents) != 1 {
		return "", nil, false
	}
	root, failure := documents[0].Parse()
	if failure != nil || root == nil || root.Kind != strict.Mapping || len(root.Content) != 2 {
		return "", nil, false
	}
	return root.Content[0].Value, root.Content[1], root.Content[0].Kind == strict.Scalar
}
