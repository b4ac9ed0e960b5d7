package spec

// OCIRepositorySpec is what is used of an OCIRepository's spec.
type OCIRepositorySpec struct {
	URL           string            `json:"url"` // "oci://" and the name of an artifact
	Reference     *OCIRepositoryRef `json:"ref,omitempty"`
	LayerSelector *OCILayerSelector `json:"layerSelector,omitempty"`
	Verify        *OCIVerification  `json:"verify,omitempty"`
	Ignore        *string           `json:"ignore,omitempty"` // patterns of gitignore, in place of Flux's own
	Timeout       *Duration         `json:"timeout,omitempty"`
	Suspend       bool              `json:"suspend,omitempty"`

	// How the registry is reached: as in an ImageRepository.
	Provider           string                `json:"provider,omitempty"`
	SecretRef          *LocalObjectReference `json:"secretRef,omitempty"`
	ServiceAccountName string                `json:"serviceAccountName,omitempty"`
	CertSecretRef      *LocalObjectReference `json:"certSecretRef,omitempty"`
	ProxySecretRef     *LocalObjectReference `json:"proxySecretRef,omitempty"`
	Insecure           bool                  `json:"insecure,omitempty"`
	Credential         *Credential           `json:"credential,omitempty"`
}

// OCIRepositoryRef says which artifact of a repository is meant: by Digest, else by
// SemVer, else by Tag, else the tag latest.
type OCIRepositoryRef struct {
	Digest       string `json:"digest,omitempty"`
	SemVer       string `json:"semver,omitempty"`       // a range of versions
	SemverFilter string `json:"semverFilter,omitempty"` // RE2; tags without a match aren't versions
	Tag          string `json:"tag,omitempty"`
}

// OCILayerSelector says which layer of an artifact is its content, and what is done
// with it.
type OCILayerSelector struct {
	MediaType string `json:"mediaType,omitempty"` // absent: the first layer
	Operation string `json:"operation,omitempty"` // LayerExtract (default) or LayerCopy
}

// The operations of an OCILayerSelector.
const (
	LayerExtract = "extract"
	LayerCopy    = "copy"
)

// ChartLayer is the media type of the layer that is a Helm chart
// (https://helm.sh/docs/topics/registries/).
const ChartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// OCIVerification says who must have signed what is pulled.
type OCIVerification struct {
	Provider             string                `json:"provider,omitempty"` // "cosign" (default) or "notation"
	SecretRef            *LocalObjectReference `json:"secretRef,omitempty"`
	MatchOIDCIdentity    []OIDCIdentity        `json:"matchOIDCIdentity,omitempty"` // who may have signed without keys; empty: anybody
	TrustedRootSecretRef *LocalObjectReference `json:"trustedRootSecretRef,omitempty"`
}
