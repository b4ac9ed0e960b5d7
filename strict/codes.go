// Package strict reads YAML, and says of everything that is wrong where it stands:
// documents that don't parse don't hide the others, fields that don't exist or
// stand twice are errors, and so is a value of another type. It knows no kind of
// object.
//
// It is the only door to YAML decoding.
package strict

// The codes of what is reported.
const (
	CodeBadValue     = "bad-value"
	CodeDuplicateKey = "duplicate-key"
	CodeDuration     = "duration"
	CodeEncoding     = "encoding"
	CodeMissingField = "missing-field"
	CodeTime         = "time"
	CodeTooLarge     = "too-large"
	CodeType         = "type"
	CodeUnknownField = "unknown-field"
	CodeYAML         = "yaml"
)
