package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse reads one document. The node is nil where there is nothing in it.
func parse(c chunk) (*yaml.Node, *parseError) {
	if tokens(c.data) > maxTokens {
		return nil, &parseError{codeTooLarge, c.line, fmt.Errorf("the document has more than %d values: split it", maxTokens)}
	}
	if i := invalidUTF8(c.data); i >= 0 {
		line := c.line + bytes.Count(c.data[:i], []byte("\n"))
		return nil, &parseError{codeEncoding, line, errors.New("the document isn't UTF-8: save it as UTF-8")}
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(c.data))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(c, err)
	}
	if err := decoder.Decode(&more); err != nil && !errors.Is(err, io.EOF) {
		// What follows would be passed over.
		failure := yamlError(c, err)
		failure.err = errors.New("something stands behind the end of the document: separate documents with ---")
		return nil, failure
	}
	if document.Kind != yaml.DocumentNode || len(document.Content) == 0 {
		return nil, nil
	}
	return document.Content[0], nil
}

// parseError says why a document could not be read.
type parseError struct {
	code string
	line int
	err  error
}

// tokens estimates from above how many nodes a document has.
func tokens(data []byte) int {
	n := 0
	for i, b := range data {
		switch b {
		case '\n', ',', '[', '{', ':':
			n++
		case '-', '?':
			if i+1 < len(data) && (data[i+1] == ' ' || data[i+1] == '\t') {
				n++
			}
		}
	}
	return n
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
	yamlLine = regexp.MustCompile(`^line (\d+): (.*)`)

	// countsFromZero matches the messages of go-yaml's parser, whose lines count
	// from 0; those of its scanner count from 1 (yaml/v3, decode.go, parser.fail).
	countsFromZero = regexp.MustCompile(`^did not find expected (',' or '[\]}]'|key|node content|'-' indicator|<)`)
)

// yamlError gives the parser's error the line in the file.
func yamlError(c chunk, err error) *parseError {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := c.line
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		text = m[2]
		if countsFromZero.MatchString(text) {
			n++
		}
		// The parser may point at the line after the last one.
		line += min(n-1, bytes.Count(bytes.TrimRight(c.data, "\n"), []byte("\n")))
	}
	return &parseError{codeYAML, line, errors.New(text)}
}
