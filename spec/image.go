package spec

// ImageRepositorySpec is an ImageRepository's spec.
type ImageRepositorySpec struct {
	Image              string                `json:"image,omitempty"`
	Interval           Duration              `json:"interval,omitempty"`
	Timeout            *Duration             `json:"timeout,omitempty"`
	SecretRef          *LocalObjectReference `json:"secretRef,omitempty"`
	ProxySecretRef     *LocalObjectReference `json:"proxySecretRef,omitempty"`
	ServiceAccountName string                `json:"serviceAccountName,omitempty"`
	CertSecretRef      *LocalObjectReference `json:"certSecretRef,omitempty"`
	Suspend            bool                  `json:"suspend,omitempty"`
	AccessFrom         *AccessFrom           `json:"accessFrom,omitempty"`
	ExclusionList      []string              `json:"exclusionList,omitempty"`
	Provider           string                `json:"provider,omitempty"`
	Insecure           bool                  `json:"insecure,omitempty"`
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
	ImageRepositoryRef     NamespacedObjectReference `json:"imageRepositoryRef"`
	Policy                 ImagePolicyChoice         `json:"policy"`
	FilterTags             *TagFilter                `json:"filterTags,omitempty"`
	DigestReflectionPolicy ReflectionPolicy          `json:"digestReflectionPolicy,omitempty"`
	Interval               *Duration                 `json:"interval,omitempty"`
	Suspend                bool                      `json:"suspend,omitempty"`
}

// ImagePolicyChoice is the one policy of a spec: exactly one field is set.
type ImagePolicyChoice struct {
	SemVer       *SemVerPolicy       `json:"semver,omitempty"`
	Alphabetical *AlphabeticalPolicy `json:"alphabetical,omitempty"`
	Numerical    *NumericalPolicy    `json:"numerical,omitempty"`
}

// SemVerPolicy takes the greatest version in a range.
type SemVerPolicy struct {
	Range string `json:"range"`
}

// AlphabeticalPolicy takes the last tag of the alphabet, or the first.
type AlphabeticalPolicy struct {
	Order string `json:"order,omitempty"` // OrderAscending or OrderDescending
}

// NumericalPolicy takes the greatest number, or the smallest.
type NumericalPolicy struct {
	Order string `json:"order,omitempty"` // OrderAscending or OrderDescending
}

// The orders of an alphabetical or numerical policy.
const (
	OrderAscending  = "asc"
	OrderDescending = "desc"
)

// TagFilter lets tags through that a pattern matches, and says what of them is
// compared.
type TagFilter struct {
	Pattern string `json:"pattern"`
	Extract string `json:"extract"`
}

// ReflectionPolicy says when the digest of a policy's tag is looked up.
type ReflectionPolicy string

// The digest reflection policies of an ImagePolicy.
const (
	ReflectAlways       ReflectionPolicy = "Always"
	ReflectIfNotPresent ReflectionPolicy = "IfNotPresent"
	ReflectNever        ReflectionPolicy = "Never"
)
