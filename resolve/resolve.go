// Package resolve says what an OCIRepository leads to now, and why: the digest,
// version or tag that source-controller would take, the layer in it, and whether its
// signature verifies. It pulls no layer.
package resolve

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/verify"
)

// Resolution is what an OCIRepository leads to. What isn't known is empty: Error says
// why, and what was found before is there all the same.
type Resolution struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	Suspended bool   `json:"suspended,omitempty"`

	By      string   `json:"by"`                // the field of ref that decides: fleet.RefDigest and so on
	Value   string   `json:"value"`             // of that field
	Without []string `json:"without,omitempty"` // fields of ref that count for nothing beside it

	Tag      string `json:"tag,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Revision string `json:"revision,omitempty"` // as Flux shows it: TAG@DIGEST, or DIGEST

	Kind   Kind   `json:"kind,omitempty"`
	Layer  *Layer `json:"layer,omitempty"`
	Origin Origin `json:"origin,omitzero"`

	Signature *Signature          `json:"signature,omitempty"` // nil: nothing is verified
	Notes     []string            `json:"notes"`               // what is doubtful, for people
	Tags      []pinsetter.Verdict `json:"tags"`                // every tag, where a range decides; best first
	Error     string              `json:"error,omitempty"`

	Err error `json:"-"`
}

// Layer is the layer of an artifact that is its content to Flux.
type Layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"` // in bytes, as the manifest says
	Operation string `json:"operation"`
}

// Origin is what an artifact's annotations say of where it comes from. Only its
// publisher vouches for it.
type Origin struct {
	Source   string `json:"source,omitempty"`
	Revision string `json:"revision,omitempty"`
	Created  string `json:"created,omitempty"` // as it is written
}

// Signature is what spec.verify makes of the digest.
type Signature struct {
	Provider string `json:"provider"`
	pinsetter.Signature
}

// OCI resolves an OCIRepository as source-controller does. Trusted returns what its
// verify trusts, and is called only if it has one. Roots are of keyless signatures.
func OCI(ctx context.Context, s *scanner.Scanner, roots *verify.Roots, src *fleet.OCISource, trusted func() (*fleet.Trust, error)) *Resolution {
	r := &Resolution{
		Namespace: src.Name.Namespace, Name: src.Name.Name, URL: src.Spec.URL, Suspended: src.Spec.Suspend,
		Without: src.Without(), Notes: []string{}, Tags: []pinsetter.Verdict{},
	}
	r.By, r.Value = src.Decides()
	for _, idle := range r.Without {
		r.note("ref.%s counts for nothing beside ref.%s", idle, r.By)
	}
	if r.Err = src.Err; r.Err == nil {
		r.Err = r.resolve(ctx, s, src)
	}
	if r.Err == nil && src.Enclosing != nil {
		r.verify(ctx, s, roots, src, trusted)
	}
	if r.Err != nil {
		r.Error = pinsetter.Printable(strings.ReplaceAll(r.Err.Error(), "\n", "; "))
	}
	return r
}

// Digest returns the tag and digest that an OCIRepository leads to, the tag "" if ref
// names a digest. It is what OCI asks first, and costs a HEAD where ref names a tag.
func Digest(ctx context.Context, s *scanner.Scanner, src *fleet.OCISource) (tag, digest string, err error) {
	if src.Err != nil {
		return "", "", src.Err
	}
	r := &Resolution{}
	r.By, r.Value = src.Decides()
	err = r.find(ctx, s, src)
	return r.Tag, r.Digest, err
}

func (r *Resolution) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

func (r *Resolution) resolve(ctx context.Context, s *scanner.Scanner, src *fleet.OCISource) error {
	if err := r.find(ctx, s, src); err != nil {
		return err
	}
	image, err := s.Open(src.Repository)
	if err != nil {
		return err
	}
	return r.look(ctx, image, src)
}

// find finds the digest.
func (r *Resolution) find(ctx context.Context, s *scanner.Scanner, src *fleet.OCISource) error {
	var err error
	switch r.By {
	case fleet.RefDigest:
		r.Digest, r.Revision = r.Value, r.Value
	case fleet.RefSemVer:
		r.Tag, err = r.newest(ctx, s, src)
	default:
		r.Tag = r.Value
	}
	if r.Tag != "" {
		if r.Digest, err = s.Digest(ctx, src.Repository, r.Tag); err == nil {
			r.Revision = r.Tag + "@" + r.Digest
		}
	}
	return err
}

// newest returns the tag with the highest version in the range.
func (r *Resolution) newest(ctx context.Context, s *scanner.Scanner, src *fleet.OCISource) (string, error) {
	listing, err := s.Scan(ctx, src.Repository)
	if errors.Is(err, scanner.ErrAllExcluded) {
		return "", fmt.Errorf("all tags of %s are signatures and other referrers of artifacts: is the artifact itself tagged?", src.Repository.Image)
	}
	if err != nil {
		return "", err
	}
	r.Tags = judge(listing.Tags, src)
	if len(r.Tags) == 0 || r.Tags[0].Verdict != pinsetter.Selected {
		return "", fmt.Errorf("none of %s of %s is a version in the range %q", pinsetter.Count(len(listing.Tags), "tag"), src.Repository.Image, r.Value)
	}
	return r.Tags[0].Tag, nil
}

// look reads the manifest, and finds the layer.
func (r *Resolution) look(ctx context.Context, image *registry.Repository, src *fleet.OCISource) error {
	m, err := readManifest(ctx, image, r.Digest)
	if err != nil {
		return err
	}
	if m.Manifests != nil {
		child := m.child()
		if child == "" {
			return fmt.Errorf("%s@%s is an index without an image for linux/amd64, which Flux would take: refer to a digest of its images", image.Name(), r.Digest)
		}
		r.note("it is an index, of which Flux takes the image for linux/amd64, %s", child)
		if m, err = readManifest(ctx, image, child); err != nil {
			return err
		}
	}
	r.Kind = m.kind()
	r.Origin = m.origin()
	mediaType, operation := src.Layer()
	if r.Layer, err = m.layer(mediaType); err != nil {
		return fmt.Errorf("%s@%s: %w", image.Name(), r.Digest, err)
	}
	r.Layer.Operation = operation
	switch {
	case r.Kind == KindChart && mediaType == "":
		r.note("it is a Helm chart without spec.layerSelector, so that Flux takes its first layer, which may be the chart's signature in another version: write layerSelector: {mediaType: %s, operation: %s}", spec.ChartLayer, spec.LayerCopy)
	case r.Kind == KindImage:
		r.note("it is a container image, whose first layer holds no manifests as a rule: is the address that of the artifact?")
	}
	return nil
}

// verify asks who signed the digest.
func (r *Resolution) verify(ctx context.Context, s *scanner.Scanner, roots *verify.Roots, src *fleet.OCISource, trusted func() (*fleet.Trust, error)) {
	r.Signature = &Signature{Provider: src.Enclosing.Provider}
	trust, err := trusted()
	if err == nil {
		var image *registry.Repository
		if image, err = s.Open(src.Repository); err == nil {
			r.Signature.Signature = verify.Open(roots, image, r.Digest).Check(ctx, trust)
			return
		}
	}
	r.Signature.Signature = pinsetter.Signature{Verdict: pinsetter.SignatureUnknown, Reason: pinsetter.Printable(err.Error())}
}

// judge returns the verdict on every tag. Flux reads the "_" of a tag as the "+" of
// a version in charts alone, our policies do everywhere.
func judge(tags []string, src *fleet.OCISource) []pinsetter.Verdict {
	mediaType, _ := src.Layer()
	if mediaType == spec.ChartLayer {
		return explain(tags, src)
	}
	var plain []string
	var rejected []pinsetter.Verdict
	for _, tag := range tags {
		if strings.Contains(tag, "_") {
			rejected = append(rejected, pinsetter.Verdict{Tag: tag, Verdict: pinsetter.Rejected, Stage: pinsetter.StageParse, Reason: "not a SemVer version"})
			continue
		}
		plain = append(plain, tag)
	}
	return append(explain(plain, src), rejected...)
}
