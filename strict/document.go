package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
)

// Document is the bytes of one document of a file, with the line of its first byte,
// from 1.
type Document struct {
	Data []byte
	Line int
}

// byteOrderMark may start a UTF-8 file; YAML readers drop it.
var byteOrderMark = []byte("\xef\xbb\xbf")

// Split cuts a file at its document markers, so that a document that doesn't
// parse can't hide the others. A line that starts with "---" or "..." ends a
// document wherever it stands (YAML 1.2.2, section 9.1.2), so no parser is needed
// to find it. Directives (%YAML) are a document of their own here, and so without
// effect.
func Split(data []byte) []Document {
	data = bytes.TrimPrefix(data, byteOrderMark)
	var Documents []Document
	start, startLine, line := 0, 1, 1
	for at := 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if at > start && isMarker(data[at:end]) {
			Documents = append(Documents, Document{data[start:at], startLine})
			start, startLine = at, line
		}
		if start == at && data[at] == '.' && isMarker(data[at:end]) {
			start, startLine = end, line+1 // a marker that only ends a document
		}
		at = end
	}
	if start < len(data) {
		Documents = append(Documents, Document{data[start:], startLine})
	}
	return Documents
}

// isMarker reports whether a line starts or ends a document.
func isMarker(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return false
	}
	return len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\n' || line[3] == '\r'
}

// ErrBehind says that a document ends where no line of "---" does, such as at one
// that a carriage return begins. Parsers pass over what follows.
var ErrBehind = errors.New("something stands behind the end of the document: separate documents with lines of ---")

// Parse reads the document. The node is nil where there is nothing in it.
func (d Document) Parse() (*Node, *Error) {
	if pinsetter.CountNodes(d.Data) > MaxTokens {
		return nil, &Error{CodeTooLarge, d.Line, fmt.Errorf("the document has more than %d values: split it", MaxTokens)}
	}
	if i := invalidUTF8(d.Data); i >= 0 {
		line := d.Line + bytes.Count(d.Data[:i], []byte("\n"))
		return nil, &Error{CodeEncoding, line, errors.New("the document isn't UTF-8: save it as UTF-8")}
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(d.Data))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, d.failure(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		// What follows would be passed over.
		failure := &Error{Code: CodeYAML, Line: d.Line + max(more.Line-1, 0)}
		if err != nil {
			failure = d.failure(err)
		}
		failure.Err = ErrBehind
		return nil, failure
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

// Error says why a document could not be read.
type Error struct {
	Code string // CodeYAML, CodeEncoding or CodeTooLarge
	Line int    // of the file
	Err  error
}

// invalidUTF8 returns the index of the first byte that isn't UTF-8, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
}

var (
	yamlLine = pinsetter.Pattern(`^line (\d+): (.*)`)

	// countsFromZero matches the messages of go-yaml's parser, whose lines count
	// from 0; those of its scanner count from 1 (yaml/v3, decode.go, parser.fail).
	countsFromZero = pinsetter.Pattern(`^did not find expected (',' or '[\]}]'|key|node content|'-' indicator|<)`)
)

// failure gives the parser's error the line in the file.
func (d Document) failure(err error) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	before := 0 // lines of the document, before the one that is meant
	if m := yamlLine().FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = 1
		}
		text = m[2]
		if countsFromZero().MatchString(text) {
			n++
		}
		// The parser may point at the line after the last one.
		before = min(n-1, bytes.Count(bytes.TrimRight(d.Data, "\n"), []byte("\n")))
	}
	return &Error{CodeYAML, d.Line + before, errors.New(Complaint(text, d.Data, 1+before))}
}

// IsTemplate reports whether bytes look like a Helm or Go template.
func IsTemplate(data []byte) bool { return bytes.Contains(data, []byte("{{")) }

// Texts returns a mapping of texts.
func Texts(data []byte) (map[string]string, error) {
	var texts map[string]string
	err := yaml.Unmarshal(data, &texts)
	return texts, err
}
