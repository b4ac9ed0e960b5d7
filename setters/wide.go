package setters

import "bytes"

// Encodings other than UTF-8 that a file shows by its first bytes: a byte order
// mark, or the zero bytes of an ASCII character (YAML 1.2.2, section 5.2).
// Longer marks come first.
var wides = []struct{ start, name, zeros string }{
	{"\xFF\xFE\x00\x00", "UTF-32", ""},
	{"\x00\x00\xFE\xFF", "UTF-32", ""},
	{"\xFF\xFE", "UTF-16", ""},
	{"\xFE\xFF", "UTF-16", ""},
	{"", "UTF-32BE", "0001"},
	{"", "UTF-32LE", "1000"},
	{"", "UTF-16BE", "0101"},
	{"", "UTF-16LE", "1010"},
}

// The token in UTF-16 and UTF-32, of either byte order: the zero bytes around
// it belong to no order's first or last character.
var (
	token16 = spread(token, 1)
	token32 = spread(token, 3)
)

// spread returns a text with zero bytes between its characters.
func spread(text string, zeros int) []byte {
	between := make([]byte, zeros)
	return bytes.Join(bytes.Split([]byte(text), nil), between)
}

// wideToken returns the encoding of a file that holds the token in UTF-16 or
// UTF-32, in iconv's words, else "". For nearly all files it looks at four
// bytes only.
func wideToken(data []byte) string {
	if len(data) < 4 {
		return ""
	}
	encoding := wideEncoding(data[:4])
	if encoding == "" || !bytes.Contains(data, token16) && !bytes.Contains(data, token32) {
		return ""
	}
	return encoding
}

// wideEncoding returns the encoding that a file's first four bytes show, "" for
// UTF-8 and anything else.
func wideEncoding(first []byte) string {
	zeros := make([]byte, len(first))
	for i, b := range first {
		zeros[i] = '0' + min(b, 1)
	}
	for _, w := range wides {
		if w.zeros == string(zeros) || w.start != "" && bytes.HasPrefix(first, []byte(w.start)) {
			return w.name
		}
	}
	return ""
}
