package index

// The codes of findings, beside those of package strict.
const (
	CodeAPIVersion      = "api-version"
	CodeDuplicateObject = "duplicate-object"
	CodeName            = "name"
	CodeNoObject        = "no-object"
	CodeRenamed         = "renamed"
	CodeUnknownKind     = "unknown-kind"
	CodeEmptySource     = "empty-source"
	CodeOldVersion      = "old-version"
)
