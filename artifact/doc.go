// Package artifact packs, pushes, pulls and compares OCI artifacts as Flux's command
// line makes them and its source-controller reads them
// (https://fluxcd.io/flux/cheatsheets/oci-artifacts/).
//
// Same content, same bytes: of a file only its name, its content and whether it may
// be executed count, not its times, owner and other permissions. Where Flux's own
// packages (github.com/fluxcd/pkg/oci) pack a folder whose files have the modes 0644
// and 0755, the layer has the same digest.
//
// Artifacts are hostile input. What is unpacked stays within a root, has no links and
// devices, and is bounded in bytes, entries and depth.
package artifact

// Media types of Flux's artifacts (fluxcd/pkg, oci/globals.go).
const (
	configType  = "application/vnd.cncf.flux.config.v1+json"
	contentType = "application/vnd.cncf.flux.content.v1"
	tarballType = contentType + ".tar+gzip"
)

// Annotations of an artifact (https://github.com/opencontainers/image-spec,
// annotations.md).
const (
	annotationCreated  = "org.opencontainers.image.created"
	annotationSource   = "org.opencontainers.image.source"
	annotationRevision = "org.opencontainers.image.revision"
	annotationTitle    = "org.opencontainers.image.title"
)
