package config

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// Keys of a Secret with the key that artifacts are signed with, as `cosign
// generate-key-pair k8s://NAMESPACE/NAME` writes them.
const (
	cosignKey      = "cosign.key"
	cosignPassword = "cosign.password"
)

func (l reader) readArtifactAutomation(o *index.Object, n *strict.Node) {
	s := &spec.ArtifactAutomationSpec{}
	a := &fleet.Automation{Name: o.Name, Origin: o.Origin, Annotations: o.Annotations, Delivery: &fleet.Delivery{}}
	draft := &automationDraft{Object: o, out: a, artifact: s}
	l.automations = append(l.automations, draft)
	d := automationDecoder{l.strictSpec(o, n, s)}
	a.Spec = spec.ImageUpdateAutomationSpec{
		Interval: s.Interval, PolicySelector: s.PolicySelector, Update: s.Update, Suspend: s.Suspend,
	}
	a.Suspended = s.Suspend
	d.schedule(a)
	d.requireInterval(strict.Child(n, "interval"))
	d.artifactSource(&s.SourceRef)
	d.strategy(&a.Spec)
	a.Path = path.Join(".", path.Clean("/" + a.Spec.Update.Path)[1:])
	d.selector(a)
	d.artifactPush(a.Delivery, s)
	d.artifactAnnotations(s.Annotations)
	a.Delivery.Annotations = s.Annotations
	if s.Sign != nil {
		d.reference("spec.sign.secretRef.name", s.Sign.SecretRef.Name)
	}
	if !d.Blamed("spec") {
		d.message(a)
	}
	o.Remember("spec.sourceRef", "spec.sourceRef.name", "spec.push", "spec.push.repository", "spec.push.moveTags", "spec.push.tag",
		"spec.push.secretRef.name", "spec.push.certSecretRef.name", "spec.push.proxySecretRef.name", "spec.push.serviceAccountName",
		"spec.sign.secretRef.name")
}

func (d automationDecoder) artifactSource(ref *spec.ArtifactSourceRef) {
	ref.Kind = cmp.Or(ref.Kind, claim.KindOCIRepository)
	if ref.Kind != claim.KindOCIRepository {
		d.fail(codeBadValue, "spec.sourceRef.kind", "%q is not a kind that an artifact is built on: write %s, or use an %s to write to Git%s", ref.Kind, claim.KindOCIRepository, claim.KindImageUpdateAutomation, d.object.Hint(ref.Kind))
	}
	if ref.APIVersion != "" && !strings.HasPrefix(ref.APIVersion, claim.SourceGroup+"/") {
		d.fail(codeBadValue, "spec.sourceRef.apiVersion", "%q is not that of an %s: write %s/v1 or leave it out", ref.APIVersion, claim.KindOCIRepository, claim.SourceGroup)
	}
	d.reference("spec.sourceRef.name", ref.Name)
	d.namespace("spec.sourceRef.namespace", ref.Namespace)
}

// artifactPush checks where artifacts go.
func (d automationDecoder) artifactPush(out *fleet.Delivery, s *spec.ArtifactAutomationSpec) {
	const field = "spec.push.repository"
	out.Repository = &fleet.Repository{Name: d.object.Name, Origin: d.object.Origin, Timeout: defaultOCITimeout}
	if s.Push.Timeout != nil {
		out.Repository.Timeout = max(s.Push.Timeout.Duration, time.Second)
	}
	if d.require(field, s.Push.Repository) {
		name, isOCI := strings.CutPrefix(s.Push.Repository, ociScheme)
		switch problem := checkImage(name); {
		case !isOCI:
			d.fail(codeURL, field, "%q does not begin with oci://%s", s.Push.Repository, d.object.Hint(s.Push.Repository))
		case problem != "":
			d.fail(codeURL, field, "%q %s%s", s.Push.Repository, inPush.Replace(problem), d.object.Hint(s.Push.Repository))
		}
		out.Repository.Image = name
	}
	if d.require("spec.push.tag", s.Push.Tag) && !d.Blamed("spec.push.tag") {
		var err error
		out.Tag, err = message.NewTag(s.Push.Tag)
		d.wrong(codeTemplate, err)
	}
	for i, tag := range s.Push.MoveTags {
		at := strict.Item("spec.push.moveTags", i)
		switch {
		case !pinsetter.ValidTag(tag), pinsetter.ReservedTag(tag):
			d.fail(codeBadValue, at, "%q is not a tag%s", tag, d.object.Hint(tag))
		case slices.Contains(s.Push.MoveTags[:i], tag):
			d.fail(codeBadValue, at, "%q is in the list twice", tag)
		}
	}
	out.MoveTags = s.Push.MoveTags
	d.registry(pushFields(s.Push))
}

// inPush says of a repository that is pushed to what checkImage says of an
// ImageRepository.
var inPush = strings.NewReplacer("a policy selects tags", "spec.push.tag says which", "a policy selects what is written", "what is pushed has its own")

// pushFields returns how the registry that is pushed to is reached.
func pushFields(p spec.ArtifactPush) registryFields {
	return registryFields{
		provider: p.Provider, secretRef: p.SecretRef, serviceAccountName: p.ServiceAccountName,
		certSecretRef: p.CertSecretRef, proxySecretRef: p.ProxySecretRef, insecure: p.Insecure, secretWins: true, under: "spec.push",
	}
}

// artifactAnnotations checks the annotations that artifacts get.
func (d automationDecoder) artifactAnnotations(annotations map[string]string) {
	for key := range annotations {
		switch {
		case key == "":
			d.fail(codeBadValue, "spec.annotations", "has an annotation without a name")
		case strings.HasPrefix(key, claim.OwnGroup+"/"):
			d.fail(codeBadValue, "spec.annotations", "%q is an annotation that the bot writes itself: choose another name", key)
		}
	}
}

// resolveArtifactAutomation finds what an ArtifactAutomation builds on, and how it
// pushes and signs.
func (l *loader) resolveArtifactAutomation(a *automationDraft) {
	const field = "spec.sourceRef.name"
	ref, out := a.artifact.SourceRef, a.out.Delivery
	key := index.Key{Kind: claim.KindOCIRepository, Name: pinsetter.Name{Namespace: cmp.Or(ref.Namespace, a.Name.Namespace), Name: ref.Name}}
	i := slices.IndexFunc(l.artifacts, func(s *ociDraft) bool { return s.Name == key.Name })
	switch {
	case !index.ValidName(key.Name.Name) || !index.ValidName(key.Name.Namespace) || ref.Kind != claim.KindOCIRepository: // reported
	case !l.mayCross(a.Object, "spec.sourceRef", key):
	case i < 0:
		l.missing(a.Object, field, key)
	default:
		out.Source = l.artifacts[i].out
		l.readsItself(a)
	}
	if out.Repository != nil { // nil: of a version that isn't read
		out.Repository.Access = l.registryAccess(a.Object, pushFields(a.artifact.Push))
	}
	if sign := a.artifact.Sign; sign != nil && index.ValidName(sign.SecretRef.Name) {
		l.artifactKey(a, sign.SecretRef.Name)
	}
	a.out.Err = a.Err()
	if source := out.Source; source != nil && source.Err != nil {
		a.out.Err = errors.Join(a.out.Err, source.Err)
	}
	if out.Repository != nil {
		out.Repository.Err = a.out.Err
	}
}

// artifactKey fills in the key that artifacts are signed with.
func (l *loader) artifactKey(a *automationDraft, name string) {
	with := l.secret(a.Object, "spec.sign.secretRef.name", name)
	if with == nil || !with.Need(cosignKey, "it is the private key that `cosign generate-key-pair` writes") {
		return
	}
	a.out.Delivery.SigningKey = &fleet.ArtifactKey{
		Secret: pinsetter.Name{Namespace: a.Name.Namespace, Name: name}, Key: with.Secret(cosignKey), Password: with.Line(cosignPassword),
	}
}

// readsItself reports an automation that would push what its source reads.
func (l *loader) readsItself(a *automationDraft) {
	out := a.out.Delivery
	if out.Repository == nil || out.Repository.Image == "" || !sameImage(out.Repository.Image, out.Source.Repository) {
		return
	}
	for _, tag := range out.MoveTags {
		if out.Source.Reads(tag) {
			a.Fail(codeBadValue, "spec.push.moveTags", "%q is what %s %s reads, so that the bot would build on what it made itself: push to another repository, or move another tag", tag, claim.KindOCIRepository, out.Source.Name)
		}
	}
	if out.Tag == nil {
		return
	}
	for _, version := range []string{"0.0.0", "1.0.0", "1000.0.0"} { // what the source has is known when it is run
		tag, err := out.Tag.Render(message.TagData{SourceTag: version, SourceRevision: "main", Hash: "abcdefabcdef"})
		if err == nil && out.Source.Reads(tag) {
			a.Fail(codeBadValue, "spec.push.tag", "makes tags such as %q, which %s %s reads, so that the bot would build on what it made itself: push to another repository", tag, claim.KindOCIRepository, out.Source.Name)
			return
		}
	}
}

// sameImage reports whether a name is that of a repository, which may be missing.
func sameImage(name string, of *fleet.Repository) bool {
	plain := func(image string) string {
		image = strings.TrimPrefix(strings.TrimPrefix(image, "index.docker.io/"), "docker.io/")
		return strings.TrimPrefix(strings.ToLower(image), "library/")
	}
	return of != nil && plain(name) == plain(of.Image)
}

// apartAutomations reports automations of both kinds that share a name, by which
// PullRequests and commands refer to them, and ArtifactAutomations that move one tag.
func (l *loader) apartAutomations() {
	first := map[pinsetter.Name]*automationDraft{}
	movers := map[string]*automationDraft{} // by repository and tag
	for _, a := range l.automations {
		if other := first[a.Name]; other != nil {
			a.Fail(index.CodeDuplicateObject, "", "has the name of %s (%s), and both are referred to by it: rename one", other, other.Place())
			other.Fail(index.CodeDuplicateObject, "", "has the name of %s (%s), and both are referred to by it: rename one", a, a.Place())
		}
		first[a.Name] = a
		if a.artifact == nil || a.out.Delivery.Repository == nil {
			continue
		}
		for _, tag := range slices.Compact(slices.Sorted(slices.Values(a.out.Delivery.MoveTags))) {
			at := a.out.Delivery.Repository.Image + ":" + tag
			if other := movers[at]; other != nil && other != a {
				a.Fail(index.CodeDuplicateObject, "spec.push.moveTags", "%s (%s) moves %s too, and each would take back what the other does: move another tag", other, other.Place(), at)
				other.Fail(index.CodeDuplicateObject, "spec.push.moveTags", "%s (%s) moves %s too, and each would take back what the other does: move another tag", a, a.Place(), at)
			}
			movers[at] = a
		}
	}
}
