package setters

// The codes of findings.
const (
	CodeMalformed   = "marker-malformed"
	CodeMisspelt    = "marker-misspelt"
	CodeSetter      = "marker-setter"
	CodeSuffix      = "marker-suffix"
	CodeNotAttached = "marker-not-attached"
	CodeInText      = "marker-in-text"
	CodeSplice      = "cannot-splice"
	CodeUnparsable  = "unparsable"
	CodeNotUTF8     = "not-utf8"
	CodeTooLarge    = "too-large"
	CodeShape       = "wrong-shape"
	CodeRange       = "version-range"
	CodeVariable    = "variable"
	CodeSealed      = "encrypted"
	CodeTwice       = "key-twice"
	CodeNoEffect    = "no-effect"
)

// Codes explains each code of a finding in one line.
var Codes = map[string]string{
	CodeMalformed:   "a comment names $imagepolicy but is not exactly one JSON object with string values in double quotes",
	CodeMisspelt:    `a comment looks like a marker whose key is not exactly "$imagepolicy"`,
	CodeSetter:      `a marker's value is not "namespace:policy" with an optional suffix`,
	CodeSuffix:      "a marker's suffix is none of :tag, :name and :digest",
	CodeNotAttached: "a marker stands where it belongs to no scalar value, so nothing follows it",
	CodeInText:      "a marker is part of a text (a block scalar, a quoted string), not a comment",
	CodeSplice:      "a marked value is folded, literal, multi-line, escaped, or of an explicit non-string type, and is left alone",
	CodeUnparsable:  "a document holds a marker and is not valid YAML",
	CodeNotUTF8:     "a file holds a marker and is not UTF-8",
	CodeTooLarge:    "a file holds a marker and is larger than is parsed",
	CodeShape:       "a marked value is not what its marker's suffix names, and is held",
	CodeRange:       "a marked value is a range of versions, and is held",
	CodeVariable:    "a marked value holds a variable or a template, and is held",
	CodeSealed:      "a marked value is encrypted, or covered by the MAC of SOPS, and is held",
	CodeTwice:       "a marked value's key stands twice in its mapping, and the value is held",
	CodeNoEffect:    "a marked tag stands beside an unmarked digest, a range, a commit or a name that wins over it",
}
