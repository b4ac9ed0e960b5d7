package config

import (
	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// The codes of findings.
const (
	codeAccessDenied    = "access-denied"
	codeBadValue        = strict.CodeBadValue
	codeDuplicateKey    = strict.CodeDuplicateKey
	codeDuration        = strict.CodeDuration
	codeEncoding        = strict.CodeEncoding
	codeGate            = "gate"
	codeGateUnused      = "gate-unused"
	codeIgnored         = "ignored"
	codeImage           = "image"
	codeMissingField    = strict.CodeMissingField
	codeMissingObject   = "missing-object"
	codeNamespaceLabels = "namespace-labels"
	codePolicy          = "policy"
	codeRegexp          = "regexp"
	codeSchedule        = "schedule"
	codeSecret          = "secret"
	codeSecretDir       = "secret-dir"
	codeSecretEncrypted = "secret-encrypted"
	codeSecretMissing   = "secret-missing"
	codeTemplate        = "template"
	codeTime            = strict.CodeTime
	codeTooLarge        = strict.CodeTooLarge
	codeType            = strict.CodeType
	codeUnknownField    = strict.CodeUnknownField
	codeUnsupported     = "unsupported"
	CodeEmptySource     = index.CodeEmptySource
	CodeOldVersion      = index.CodeOldVersion
	CodeUnread          = source.CodeUnread // of a source, or an entry of one
	codeURL             = "url"
	codeYAML            = strict.CodeYAML
)

// Codes explains the findings of Load: what each code means, in a line.
var Codes = map[string]string{
	codeAccessDenied:          "an ImagePolicy refers to an ImageRepository of another namespace whose spec.accessFrom does not allow it, or --no-cross-namespace-refs forbids the reference",
	index.CodeAPIVersion:      "an object has no apiVersion, or one that is not read",
	codeBadValue:              "a field's value is not one of those that are allowed",
	codeDuplicateKey:          "a key stands twice in one mapping",
	index.CodeDuplicateObject: "an object is given twice, and the two differ",
	codeDuration:              "a duration is not one or more of number and unit, such as 1h30m",
	codeEncoding:              "a file that holds an object is not UTF-8",
	codeGate:                  "a Gate's schedule, time zone or range is wrong",
	index.CodeEmptySource:     "a source that was named holds no object of a kind that is read",
	codeGateUnused:            "a Gate selects no policy",
	codeIgnored:               "a field is without effect beside another one",
	codeImage:                 "spec.image is not the bare name of an image: it has a scheme, a tag or a digest, or is malformed",
	codeMissingField:          "a required field is missing or empty",
	codeMissingObject:         "a reference leads to an object that was not given",
	index.CodeName:            "metadata.name or metadata.namespace is missing or not a Kubernetes name",
	codeNamespaceLabels:       "spec.accessFrom needs the labels of a Namespace that was not given",
	index.CodeNoObject:        "a file that -k would make a kustomization of is no Kubernetes object",
	index.CodeOldVersion:      "an object is of an API version that Flux no longer serves; it is read as v1",
	codePolicy:                "an ImagePolicy's range, order, filter or choice of policy is wrong",
	codeRegexp:                "a regular expression does not compile",
	index.CodeRenamed:         "a kustomization gives objects that are read as they are written another namespace or name",
	codeSchedule:              "the annotation pinsetter.dev/schedule is no schedule",
	codeSecret:                "a Secret does not hold what it is used for",
	codeSecretDir:             "a folder of mounted Secrets can't be read",
	codeSecretEncrypted:       "a Secret is encrypted by SOPS",
	codeSecretMissing:         "a Secret was not given",
	codeTemplate:              "an ImageUpdateAutomation's message template is wrong",
	codeTime:                  "a time is not in RFC 3339",
	codeTooLarge:              "a file, document or object exceeds a bound",
	codeType:                  "a field is of another type than it should be",
	codeUnknownField:          "a field does not exist",
	index.CodeUnknownKind:     "a group that is read has no object of that kind",
	codeUnsupported:           "something that Flux knows is not supported yet",
	CodeUnread:                "a source, or an entry of one, can't be read or is not followed",
	codeURL:                   "a GitRepository's spec.url, or the address of a Provider, can't be used",
	codeYAML:                  "a document that claims to be an object that is read is not valid YAML",
}

// IsSecretToWrite reports whether a finding is that a Secret which is needed only
// to write, by Git, by a forge or to a registry, wasn't given or can't be decrypted.
func IsSecretToWrite(f pinsetter.Finding) bool {
	switch f.Object.Kind {
	case claim.KindGitRepository, claim.KindImageUpdateAutomation, claim.KindArtifactAutomation, claim.KindPullRequest:
		return f.Code == codeSecretMissing || f.Code == codeSecretEncrypted
	}
	return false
}
