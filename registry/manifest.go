package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pinsetter/pinsetter"
)

// maxEntries bounds the entries of an index that are read. Official images have
// about thirty, attestations included.
const maxEntries = 1000

// manifest is the used part of a manifest or an index
// (https://github.com/opencontainers/image-spec, manifest.md and
// image-index.md; Docker's have the same members). It is an index if Manifests
// isn't nil; else Config isn't nil.
type manifest struct {
	Config      *descriptor `json:"config"`
	Manifests   *entries    `json:"manifests"`
	Annotations notes       `json:"annotations"`
}

// notes are the used annotations or labels, as
// https://github.com/opencontainers/image-spec, annotations.md, defines them.
// Values that aren't strings count as missing.
type notes struct{ created, source, revision string }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (n *notes) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil {
		return nil
	}
	for name, value := range map[string]*string{"created": &n.created, "source": &n.source, "revision": &n.revision} {
		if json.Unmarshal(all["org.opencontainers.image."+name], value) != nil || len(*value) > maxNote {
			*value = ""
		}
	}
	return nil
}

// maxNote bounds an annotation or label in bytes.
const maxNote = 1 << 10

// descriptor refers to a document. The type of a manifest is the type of its
// config.
type descriptor struct {
	MediaType types.MediaType `json:"mediaType"`
	Digest    string          `json:"digest"`
}

// entry is a manifest in an index.
type entry struct {
	descriptor
	Platform    *platform `json:"platform"`
	Annotations struct {
		// Reference is set by BuildKit on attestations
		// (docs.docker.com/build/metadata/attestations/attestation-storage).
		Reference string `json:"vnd.docker.reference.type"`
	} `json:"annotations"`
}

// platform is an operating system, an architecture and a variant.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

// imageConfig is the used part of an image's config.
type imageConfig struct {
	platform
	Created string `json:"created"`
	Config  labels `json:"config"`
}

// labels are the labels of an image's config. Anything but a mapping counts as
// empty.
type labels struct{ notes }

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (l *labels) UnmarshalJSON(data []byte) error {
	var config struct{ Labels notes }
	if json.Unmarshal(data, &config) == nil {
		l.notes = config.Labels
	}
	return nil
}

// texts are the texts of a list, or the text alone. Anything else counts as none.
type texts []string

// UnmarshalJSON implements json.Unmarshaler, and never fails.
func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, (*[]string)(t)) != nil {
		*t = nil
		if json.Unmarshal(data, &one) == nil {
			*t = texts{one}
		}
	}
	*t = slices.DeleteFunc(*t, func(text string) bool { return text == "" || len(text) > maxNote })
	return nil
}

// parseChart returns what a chart's config says, which is its Chart.yaml as JSON
// (https://helm.sh/docs/topics/registries, "Helm chart manifest"; the fields are those of
// https://helm.sh/docs/topics/charts): the first of its sources, else its home. What has
// another form counts as missing.
func parseChart(data []byte) notes {
	var c struct {
		Sources     texts `json:"sources"`
		Home        texts `json:"home"`
		Annotations notes `json:"annotations"`
	}
	if json.Unmarshal(data, &c) != nil {
		return notes{}
	}
	for _, source := range slices.Concat(c.Sources, c.Home) {
		c.Annotations.source = cmp.Or(c.Annotations.source, source)
	}
	return c.Annotations
}

// parseManifest parses a manifest or an index. A document that could be read as
// either is an error, since clients would disagree about it (CVE-2021-41190).
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return manifest{}, fmt.Errorf("read manifest: %s", pinsetter.Display(err.Error()))
	}
	switch {
	case m.Config == nil && m.Manifests == nil:
		return manifest{}, errors.New("it is neither the manifest of an image or artifact nor an index: it has no config and no manifests")
	case m.Config != nil && m.Manifests != nil:
		return manifest{}, errors.New("it is both a manifest and an index: it has config and manifests")
	}
	return m, nil
}

func parseConfig(data []byte) (imageConfig, error) {
	var c imageConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return imageConfig{}, fmt.Errorf("read config: %s", pinsetter.Display(err.Error()))
	}
	return c, nil
}

// chartConfigType is the media type of a chart's config.
const chartConfigType = "application/vnd.cncf.helm.config.v1+json"

func (d descriptor) isImage() bool {
	return d.MediaType == types.OCIConfigJSON || d.MediaType == types.DockerConfigJSON
}

// entries are the entries of an index.
type entries []entry

// UnmarshalJSON reads a list up to maxEntries. An entry takes many times the
// memory of the "{}," that a hostile index would repeat.
func (e *entries) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return errors.New("manifests is not a list")
	}
	list := entries{}
	for decoder.More() {
		if len(list) == maxEntries {
			return fmt.Errorf("the index has more than %d entries", maxEntries)
		}
		var next entry
		if err := decoder.Decode(&next); err != nil {
			return err
		}
		list = append(list, next)
	}
	*e = list
	return nil
}

// builds returns the images that name a platform; empty, not nil, if there are
// none.
func (e entries) builds() []pinsetter.Build {
	var found []pinsetter.Build
	for _, one := range e {
		if one.Platform != nil && !one.attests() {
			found = append(found, one.Platform.build(one.Digest))
		}
	}
	return sortedBuilds(found...)
}

// first returns the digest of the first image, preferring images that name a
// platform.
func (e entries) first() (digest string, ok bool) {
	for _, one := range e {
		switch {
		case !one.MediaType.IsImage() || one.attests():
		case one.Platform != nil:
			return one.Digest, true
		case !ok:
			digest, ok = one.Digest, true
		}
	}
	return digest, ok
}

// attests reports whether the entry is an attestation rather than an image.
func (e entry) attests() bool {
	return e.Annotations.Reference != "" ||
		e.Platform != nil && e.Platform.OS == "unknown" && e.Platform.Architecture == "unknown"
}

// platformWord is one of the words of a platform: GOOS, GOARCH or a variant,
// such as "linux", "s390x", "v7".
var platformWord = pinsetter.Pattern(`^[A-Za-z0-9_.-]{1,32}$`)

// String returns "os/arch[/variant]", or "" if a part isn't a platformWord.
func (p platform) String() string {
	if !platformWord().MatchString(p.OS) || !platformWord().MatchString(p.Architecture) {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	switch {
	case p.Variant == "":
		return s
	case platformWord().MatchString(p.Variant):
		return s + "/" + p.Variant
	}
	return ""
}

// build returns the image for a platform. It has no digest if that is malformed.
func (p platform) build(digest string) pinsetter.Build {
	if !pinsetter.ValidDigest(digest) {
		digest = ""
	}
	return pinsetter.Build{Platform: p.String(), Digest: digest}
}

// sortedBuilds returns those builds whose platform is valid, sorted, without
// duplicates. It is never nil.
func sortedBuilds(builds ...pinsetter.Build) []pinsetter.Build {
	valid := []pinsetter.Build{}
	for _, b := range builds {
		if b.Platform != "" {
			valid = append(valid, b)
		}
	}
	slices.SortFunc(valid, func(a, b pinsetter.Build) int {
		return cmp.Or(strings.Compare(a.Platform, b.Platform), strings.Compare(a.Digest, b.Digest))
	})
	return slices.Compact(valid)
}

// platformsOf returns the platforms of sorted builds, without duplicates; nil if
// builds is.
func platformsOf(builds []pinsetter.Build) []string {
	if builds == nil {
		return nil
	}
	words := make([]string, len(builds))
	for i, b := range builds {
		words[i] = b.Platform
	}
	return slices.Compact(words)
}

// firstYear is the year of Docker's first release. Earlier times aren't build
// times: reproducible builds write 1970 (ko, Jib, Nix) or 1980 (Buildpacks).
const firstYear = 2013

// created parses a build time. It is zero if there is none.
func created(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UTC().Year() < firstYear {
		return time.Time{}
	}
	return at.UTC()
}
