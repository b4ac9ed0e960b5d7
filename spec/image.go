package spec

// ImageRepositorySpec is an ImageRepository's spec.
type ImageRepositorySpec struct {
	Image              string                `json:"image,omitempty"`              // without scheme, tag or digest
	Interval           Duration              `json:"interval,omitempty"`           // how often serve lists the tags
	Timeout            *Duration             `json:"timeout,omitempty"`            // of one listing or digest; default: the interval
	SecretRef          *LocalObjectReference `json:"secretRef,omitempty"`          // of type kubernetes.io/dockerconfigjson
	ProxySecretRef     *LocalObjectReference `json:"proxySecretRef,omitempty"`     // address, username, password
	ServiceAccountName string                `json:"serviceAccountName,omitempty"` // its imagePullSecrets are used too
	CertSecretRef      *LocalObjectReference `json:"certSecretRef,omitempty"`      // ca.crt, tls.crt and tls.key
	Suspend            bool                  `json:"suspend,omitempty"`            // true: not scanned
	AccessFrom         *AccessFrom           `json:"accessFrom,omitempty"`         // other namespaces whose policies may refer to it
	ExclusionList      []string              `json:"exclusionList,omitempty"`      // regular expressions of tags that are left out
	Provider           string                `json:"provider,omitempty"`           // how to log in: generic, or a cloud
	Insecure           bool                  `json:"insecure,omitempty"`           // plain HTTP if the registry has no TLS
	Credential         *Credential           `json:"credential,omitempty"`         // a token of OpenID Connect to log in with (RFC 0014 of Flux)
}

// Credential says which short-lived credential logs in: that of RFC 0014 of
// Flux (https://github.com/fluxcd/flux2, rfcs/0014-…), in the form of
// https://github.com/fluxcd/pkg, apis/crypto.
type Credential struct {
	Provider          string            `json:"provider"`                    // kubernetes: the projected token of a ServiceAccount
	Type              string            `json:"type"`                        // jwt
	ExpirationSeconds *int64            `json:"expirationSeconds,omitempty"` // passed over: the projection says it
	Audiences         []string          `json:"audiences,omitempty"`         // for whom the token must be; default: any
	Annotations       map[string]string `json:"annotations,omitempty"`       // auth.fluxcd.io/username: sends the token as a password, beside this user name
	Username          string            `json:"username,omitempty"`          // the same in the words of the RFC
}

// AccessFrom says from which other namespaces an object may be referred to: from
// those that one of the selectors matches.
type AccessFrom struct {
	NamespaceSelectors []NamespaceSelector `json:"namespaceSelectors"`
}

// NamespaceSelector matches namespaces that have all labels.
type NamespaceSelector struct {
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
}

// ImagePolicySpec is an ImagePolicy's spec.
type ImagePolicySpec struct {
	ImageRepositoryRef     NamespacedObjectReference `json:"imageRepositoryRef"`               // whose tags are judged
	Policy                 ImagePolicyChoice         `json:"policy"`                           // exactly one of the three
	FilterTags             *TagFilter                `json:"filterTags,omitempty"`             // which tags are judged, and by which part of them
	DigestReflectionPolicy ReflectionPolicy          `json:"digestReflectionPolicy,omitempty"` // "Never" (default), "IfNotPresent" or "Always": when the digest is looked up
	Interval               *Duration                 `json:"interval,omitempty"`               // how often the digest is looked up; required with "Always"
	Suspend                bool                      `json:"suspend,omitempty"`                // true: its markers stay as they are
}

// ImagePolicyChoice is the one policy of a spec: exactly one field is set.
type ImagePolicyChoice struct {
	SemVer       *SemVerPolicy       `json:"semver,omitempty"`
	Alphabetical *AlphabeticalPolicy `json:"alphabetical,omitempty"`
	Numerical    *NumericalPolicy    `json:"numerical,omitempty"`
}

// SemVerPolicy takes the greatest version in a range.
type SemVerPolicy struct {
	Range string `json:"range"` // of versions, such as "1.x" or ">=1.2.0 <2.0.0"
}

// AlphabeticalPolicy takes the last tag of the alphabet, or the first.
type AlphabeticalPolicy struct {
	Order string `json:"order,omitempty"` // "asc" (default): the last, or "desc": the first
}

// NumericalPolicy takes the greatest number, or the smallest.
type NumericalPolicy struct {
	Order string `json:"order,omitempty"` // "asc" (default): the greatest, or "desc": the smallest
}

// The orders of an alphabetical or numerical policy.
const (
	OrderAscending  = "asc"
	OrderDescending = "desc"
)

// TagFilter lets tags through that a pattern matches, and says what of them is
// compared.
type TagFilter struct {
	Pattern string `json:"pattern"` // RE2
	Extract string `json:"extract"` // what is compared, such as "$ts"; empty: the tag
}

// ReflectionPolicy says when the digest of a policy's tag is looked up.
type ReflectionPolicy string

// The digest reflection policies of an ImagePolicy.
const (
	ReflectAlways       ReflectionPolicy = "Always"
	ReflectIfNotPresent ReflectionPolicy = "IfNotPresent"
	ReflectNever        ReflectionPolicy = "Never"
)
