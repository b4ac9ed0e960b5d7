package setters

import "bytes"

// chunk is a part of a file that is parsed at once: a document, or the whole
// file if its documents can't be told apart by their bytes.
type chunk struct {
	start, end int
	document   int // index of its first document in the file
}

// split cuts a file at its "---" lines. YAML allows that line inside no scalar:
// it ends a plain or block scalar, and is an error in a quoted one (YAML 1.2.2,
// section 9.1.2). A file with directives stays whole, since those stand above
// the line and belong below it. So does a file with a byte order mark inside,
// since kyaml misreads what follows some of those.
func split(data []byte) []chunk {
	if hasDirective(data) || bytes.Contains(bytes.TrimPrefix(data, []byte(bom)), []byte(bom)) {
		return []chunk{{0, len(data), 0}}
	}
	var chunks []chunk
	start := 0
	for at := 0; at < len(data); {
		i := bytes.Index(data[at:], []byte("---"))
		if i < 0 {
			break
		}
		i += at
		at = i + 3
		// Text above the first "---" is a document only if it has content.
		if !atLineStart(data, i) || !endsWord(data, i+3) || len(chunks) == 0 && blank(data[start:i]) {
			continue
		}
		chunks = append(chunks, chunk{start, i, len(chunks)})
		start = i
	}
	return append(chunks, chunk{start, len(data), len(chunks)})
}

// hasDirective reports whether a line starts with "%".
func hasDirective(data []byte) bool {
	for at := 0; ; {
		i := bytes.IndexByte(data[at:], '%')
		if i < 0 {
			return false
		}
		if atLineStart(data, at+i) {
			return true
		}
		at += i + 1
	}
}

// atLineStart reports whether the byte at i is the first of a line, for any
// line break that kyaml knows.
func atLineStart(data []byte, i int) bool {
	if i == 0 || i == len(bom) && string(data[:i]) == bom {
		return true
	}
	before := data[:i]
	last := before[i-1]
	return last == '\n' || last == '\r' ||
		bytes.HasSuffix(before, []byte("\u0085")) ||
		bytes.HasSuffix(before, []byte("\u2028")) ||
		bytes.HasSuffix(before, []byte("\u2029"))
}

// endsWord reports whether a blank, a line break or the end is at i.
func endsWord(data []byte, i int) bool {
	return i >= len(data) || data[i] == ' ' || data[i] == '\t' || breakAt(data, i) > 0
}

// blank reports whether data has only empty lines and comments.
func blank(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte(bom))
	comment := false
	for i := 0; i < len(data); {
		n := breakAt(data, i)
		switch {
		case n > 0:
			comment = false
		case data[i] == '#':
			comment = true
		case !comment && data[i] != ' ' && data[i] != '\t':
			return false
		}
		i += max(n, 1)
	}
	return true
}
