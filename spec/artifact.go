package spec

// ArtifactAutomationSpec is an ArtifactAutomation's spec.
type ArtifactAutomationSpec struct {
	SourceRef      ArtifactSourceRef `json:"sourceRef"`                // what is built on
	Interval       Duration          `json:"interval"`                 // how often serve runs it
	PolicySelector *LabelSelector    `json:"policySelector,omitempty"` // absent: every policy of the namespace
	Update         *UpdateStrategy   `json:"update,omitempty"`         // which files, and how
	Push           ArtifactPush      `json:"push"`
	Sign           *ArtifactSigning  `json:"sign,omitempty"`        // absent: nothing is signed
	Annotations    map[string]string `json:"annotations,omitempty"` // of the artifacts; they win over those of the source
	Suspend        bool              `json:"suspend,omitempty"`     // true: not run
}

// ArtifactSourceRef leads to an OCIRepository; without Namespace, of the same.
type ArtifactSourceRef struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"` // "OCIRepository" (default)
	Name       string `json:"name"`
	Namespace  string `json:"namespace,omitempty"`
}

// ArtifactPush says where artifacts are pushed, and as whom.
type ArtifactPush struct {
	Repository string `json:"repository"` // "oci://" and a name

	// Tag is the template of the tag that an artifact keeps. MoveTags are tags that
	// name the latest one.
	Tag      string   `json:"tag"`
	MoveTags []string `json:"moveTags,omitempty"`

	// How the registry is reached: as in an OCIRepository.
	Provider           string                `json:"provider,omitempty"`
	SecretRef          *LocalObjectReference `json:"secretRef,omitempty"`
	ServiceAccountName string                `json:"serviceAccountName,omitempty"`
	CertSecretRef      *LocalObjectReference `json:"certSecretRef,omitempty"`
	ProxySecretRef     *LocalObjectReference `json:"proxySecretRef,omitempty"`
	Insecure           bool                  `json:"insecure,omitempty"`
	Timeout            *Duration             `json:"timeout,omitempty"` // of one request
}

// ArtifactSigning is the key that artifacts are signed with.
type ArtifactSigning struct {
	SecretRef LocalObjectReference `json:"secretRef"` // of cosign.key and cosign.password
}
