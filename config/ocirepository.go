package config

import (
	"cmp"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// ociDraft is an OCIRepository whose references are not yet resolved.
type ociDraft struct {
	*index.Object
	out *fleet.OCISource
}

const (
	ociScheme = "oci://"

	// defaultOCITimeout is the CRD's.
	defaultOCITimeout = 60 * time.Second
)

func (l reader) readOCI(o *index.Object, n *strict.Node) {
	out := &fleet.OCISource{Name: o.Name, Origin: o.Origin}
	l.artifacts = append(l.artifacts, &ociDraft{o, out})
	if o.Outdated {
		return
	}
	d := ociDecoder{l.decoder(o)}
	if n != nil {
		d.lenientDecode(n, reflect.ValueOf(&out.Spec).Elem(), "spec")
	}
	s := &out.Spec
	s.Provider = cmp.Or(s.Provider, "generic")
	timeout := defaultOCITimeout
	if s.Timeout != nil {
		timeout = s.Timeout.Duration
	}
	out.Repository = &fleet.Repository{
		Name: o.Name, Origin: o.Origin, Spec: accessOf(*s), Image: d.artifact(s.URL),
		Timeout: max(timeout, time.Second), Suspended: s.Suspend,
	}
	d.registry((&repositoryDraft{Object: o, out: out.Repository, secretWins: true}).registryFields())
	out.Versions = d.artifactRef(out)
	d.layer(s.LayerSelector)
	out.Enclosing = d.artifactVerify(s.Verify)
	if !l.opts.Artifacts {
		o.Unused, o.Findings = o.Findings, nil
	}
}

// accessOf returns how an OCIRepository reaches its registry as an ImageRepository
// says the same.
func accessOf(s spec.OCIRepositorySpec) spec.ImageRepositorySpec {
	return spec.ImageRepositorySpec{
		Image: strings.TrimPrefix(s.URL, ociScheme), Timeout: s.Timeout, Provider: s.Provider, SecretRef: s.SecretRef,
		ServiceAccountName: s.ServiceAccountName, CertSecretRef: s.CertSecretRef, ProxySecretRef: s.ProxySecretRef, Insecure: s.Insecure,
		Credential: s.Credential,
	}
}

// inRef says of an OCIRepository what checkImage says of an ImageRepository.
var inRef = strings.NewReplacer("a policy selects tags", "spec.ref says which", "a policy selects what is written", "spec.ref says which")

// artifact checks the address of an artifact, and returns the name in it. One that
// isn't there is reported by resolveOCI.
func (d ociDecoder) artifact(url string) string {
	const field = "spec.url"
	if url == "" {
		return ""
	}
	name, isOCI := strings.CutPrefix(url, ociScheme)
	if !isOCI {
		d.fail(codeURL, field, "%q does not begin with oci://%s", url, d.object.Hint(url))
		return ""
	}
	if problem := checkImage(name); problem != "" {
		d.fail(codeURL, field, "%q %s%s", url, inRef.Replace(problem), d.object.Hint(url))
	}
	return name
}

// artifactRef checks what says which artifact is meant. It returns what ranks the
// versions, if a range says it and can be compiled.
func (d ociDecoder) artifactRef(out *fleet.OCISource) *policy.Policy {
	ref := out.Spec.Reference
	if ref == nil {
		return nil
	}
	if ref.Digest != "" && !pinsetter.ValidDigest(ref.Digest) {
		d.fail(codeBadValue, "spec.ref.digest", "%q is not a digest like sha256:<64 hex digits>%s", ref.Digest, d.object.Hint(ref.Digest))
	}
	if ref.Tag != "" && !pinsetter.ValidTag(ref.Tag) {
		d.fail(codeBadValue, "spec.ref.tag", "%q is not a tag%s", ref.Tag, d.object.Hint(ref.Tag))
	}
	if ref.SemverFilter != "" {
		if _, err := regexp.Compile(ref.SemverFilter); err != nil {
			d.fail(codeRegexp, "spec.ref.semverFilter", "%v%s", err, d.object.Hint(ref.SemverFilter))
			return nil
		}
	}
	if ref.SemVer == "" {
		return nil
	}
	choice := spec.ImagePolicySpec{Policy: spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: ref.SemVer}}}
	if ref.SemverFilter != "" {
		choice.FilterTags = &spec.TagFilter{Pattern: ref.SemverFilter}
	}
	versions, err := policy.New(choice)
	if err != nil {
		var field *spec.FieldError
		if errors.As(err, &field) {
			err = field.Err
		}
		d.fail(codePolicy, "spec.ref.semver", "%v%s", err, d.object.Hint(ref.SemVer))
		return nil
	}
	if decides, _ := out.Decides(); decides != fleet.RefSemVer {
		return nil
	}
	return versions
}

// layer checks which layer is meant, and applies the CRD's default.
func (d ociDecoder) layer(selector *spec.OCILayerSelector) {
	if selector == nil {
		return
	}
	selector.Operation = cmp.Or(selector.Operation, spec.LayerExtract)
	if selector.Operation != spec.LayerExtract && selector.Operation != spec.LayerCopy {
		d.fail(codeBadValue, "spec.layerSelector.operation", "%q is neither extract nor copy%s", selector.Operation, d.object.Hint(selector.Operation))
	}
}

// artifactVerify checks who must have signed, and applies the CRD's default.
func (d ociDecoder) artifactVerify(v *spec.OCIVerification) *pinsetter.Enclosing {
	if v == nil {
		return nil
	}
	v.Provider = cmp.Or(v.Provider, fleet.ProviderCosign)
	if v.Provider != fleet.ProviderCosign && v.Provider != "notation" {
		d.fail(codeBadValue, "spec.verify.provider", "%q is neither cosign nor notation%s", v.Provider, d.object.Hint(v.Provider))
	}
	d.optionalReference("spec.verify.secretRef", v.SecretRef)
	d.optionalReference("spec.verify.trustedRootSecretRef", v.TrustedRootSecretRef)
	found := &pinsetter.Enclosing{Provider: v.Provider}
	if v.SecretRef != nil {
		found.Secret = v.SecretRef.Name
	}
	if v.TrustedRootSecretRef != nil {
		found.Root = v.TrustedRootSecretRef.Name
	}
	for _, identity := range v.MatchOIDCIdentity {
		found.Identities = append(found.Identities, pinsetter.Identity{Issuer: identity.Issuer, Subject: identity.Subject})
	}
	return found
}

// resolveOCI fills in what the references lead to. Findings about them are the
// object's alone: who doesn't ask the registry needs no Secret, and an object without
// an address may be a kustomization's patch.
func (l *loader) resolveOCI(a *ociDraft) {
	if a.out.Repository == nil { // of a version that isn't read
		a.out.Err = a.Err()
		return
	}
	asking := *a.Object
	asking.Findings = slices.Concat(a.Findings, a.Unused)
	if a.out.Spec.URL == "" {
		asking.Fail(codeMissingField, "spec.url", "is missing")
	}
	repository := &repositoryDraft{Object: asking.Needed(), out: a.out.Repository, secretWins: true}
	l.resolveRepository(repository)
	a.out.Err = a.out.Repository.Err
}
