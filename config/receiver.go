package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// receiverOIDC is the one type of Flux 2.9 that is not served.
const receiverOIDC = "generic-oidc"

// receiverTypes are those that are served.
var receiverTypes = []string{
	fleet.ReceiverGeneric, fleet.ReceiverGenericHMAC, fleet.ReceiverGitHub, fleet.ReceiverGitLab, fleet.ReceiverBitbucket, fleet.ReceiverHarbor,
	fleet.ReceiverDockerHub, fleet.ReceiverQuay, fleet.ReceiverNexus, fleet.ReceiverACR, fleet.ReceiverGCR, fleet.ReceiverCDEvents,
}

// eventTypes are the types whose senders name their events.
var eventTypes = []string{fleet.ReceiverGitHub, fleet.ReceiverGitLab, fleet.ReceiverBitbucket, fleet.ReceiverCDEvents}

// wokenKinds are the kinds that a Receiver's resources lead to. Flux knows more,
// and nothing here depends on those.
var wokenKinds = []string{claim.KindImageRepository, claim.KindImagePolicy, claim.KindImageUpdateAutomation, claim.KindGitRepository, claim.KindOCIRepository, claim.KindArtifactAutomation}

// receiverSpec is what is used of a Receiver's spec.
type receiverSpec struct {
	Type           string                     `json:"type"`
	Events         []string                   `json:"events"`
	Resources      []objectReference          `json:"resources"`
	ResourceFilter string                     `json:"resourceFilter"`
	SecretRef      *spec.LocalObjectReference `json:"secretRef"`
	Suspend        bool                       `json:"suspend"`
}

// receiverDraft is a Receiver whose references are not yet resolved.
type receiverDraft struct {
	*index.Object
	spec receiverSpec
	out  *fleet.Receiver
}

func (l reader) readReceiver(o *index.Object, n *strict.Node) {
	r := &receiverDraft{Object: o, out: &fleet.Receiver{Name: o.Name, Origin: o.Origin}}
	l.receivers = append(l.receivers, r)
	d := l.lenientSpec(o, n, &r.spec)
	if d == nil {
		return
	}
	d.receiverType(&r.spec)
	d.optionalReference("spec.secretRef", r.spec.SecretRef)
	if r.spec.SecretRef == nil && r.spec.Type != receiverOIDC {
		d.missing("spec.secretRef")
	}
	// A filter that isn't applied would let everything through.
	d.refuseExpression("spec.resourceFilter", r.spec.ResourceFilter)
	for i, ref := range r.spec.Resources {
		path := strict.Item("spec.resources", i)
		d.objectReference(path, ref, wokenKinds)
		d.refuseExpression(path+".filter", ref.Filter)
		if ref.Name == fleet.AnyName && len(ref.MatchLabels) == 0 {
			d.fail(codeMissingField, path+".matchLabels", "is missing, and name is %q: name the labels of what is meant", fleet.AnyName)
		}
		if ref.Name != fleet.AnyName && len(ref.MatchLabels) > 0 {
			d.object.Warn(codeBadValue, path+".matchLabels", "does nothing where name isn't %q, in Flux as here: write that, or leave it out", fleet.AnyName)
		}
	}
	if len(r.spec.Resources) == 0 {
		d.missing("spec.resources")
	}
	o.Remember("spec.secretRef.name", "spec.resources")
	for i := range r.spec.Resources {
		o.Remember(strict.Item("spec.resources", i))
	}
}

func (d *decoder) receiverType(s *receiverSpec) {
	const path = "spec.type"
	if !d.require(path, s.Type) {
		return
	}
	switch {
	case s.Type == receiverOIDC:
		d.fail(codeUnsupported, path, "type %s is not supported yet; use %s", s.Type, fleet.ReceiverGenericHMAC)
	case !slices.Contains(receiverTypes, s.Type):
		d.fail(codeBadValue, path, "%q is not a type of Receiver%s%s", s.Type, d.object.Hint(s.Type), strict.DidYouMean(s.Type, receiverTypes))
	case len(s.Events) > 0 && !slices.Contains(eventTypes, s.Type):
		d.object.Warn(codeBadValue, "spec.events", "senders of type %s don't name their events, and all of them count: leave it out", s.Type)
	}
}

// refuseExpression reports an expression in CEL.
func (d *decoder) refuseExpression(path, expression string) {
	if expression != "" {
		d.fail(codeUnsupported, path, "expressions in CEL are not supported yet: leave it out")
	}
}

// resolveReceiver fills in what the receiver's references lead to.
func (l messenger) resolveReceiver(r *receiverDraft) {
	r.out.Type, r.out.Events, r.out.Suspended = r.spec.Type, r.spec.Events, r.spec.Suspend
	for i, ref := range r.spec.Resources {
		r.out.Resources = append(r.out.Resources, l.woken(r, strict.Item("spec.resources", i), ref)...)
	}
	slices.SortFunc(r.out.Resources, compareObjects)
	r.out.Resources = slices.Compact(r.out.Resources)
	if len(r.out.Resources) == 0 && !r.Broken() {
		r.Warn(codeMissingObject, "spec.resources", "lead to nothing that was given and that deliveries are for: %s", strings.Join(wokenKinds, ", "))
	}
	if r.spec.SecretRef != nil {
		l.receiverSecret(r)
	}
	r.out.Err = r.Err()
}

// woken returns the objects that a reference leads to.
func (l messenger) woken(r *receiverDraft, path string, ref objectReference) []pinsetter.Object {
	if !slices.Contains(wokenKinds, ref.Kind) || ref.Kind == claim.KindOCIRepository && !l.ArtifactsUsed { // no automation reads one
		return nil
	}
	ref.Namespace = cmp.Or(ref.Namespace, r.Name.Namespace)
	key := index.Key{Kind: ref.Kind, Name: pinsetter.Name{Namespace: ref.Namespace, Name: ref.Name}}
	if !l.mayCross(r.Object, path, key) {
		return nil
	}
	if ref.Name == fleet.AnyName {
		return l.labelled(ref)
	}
	if _, found := l.Objects[key]; !found {
		r.Warn(codeMissingObject, path, "%s %s was not given%s%s", key.Kind, key.Name, r.Hint(ref.Name), l.Elsewhere(r.Object, key))
		return nil
	}
	return []pinsetter.Object{{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}}
}

// receiverSecret fills in what the receiver's Secret holds.
func (l messenger) receiverSecret(r *receiverDraft) {
	const field = "spec.secretRef.name"
	with := l.secret(r.Object, field, r.spec.SecretRef.Name)
	if with == nil {
		return
	}
	if with.Need("token", "the address that senders know is made of it") {
		r.out.Token = with.Secret("token")
	}
	if r.spec.Type != fleet.ReceiverGCR {
		return
	}
	email := with.Need("email", "it is the account that Pub/Sub pushes as")
	audience := with.Need("audience", "it is the audience of the tokens that Pub/Sub pushes with")
	if email && audience {
		r.out.Email, r.out.Audience = with.PlainLine("email"), with.PlainLine("audience")
	}
}

// lenientSpec decodes the spec of an object of which only the fields are read
// that are used. It returns nil where there is no spec to check.
func (l reader) lenientSpec(o *index.Object, n *strict.Node, out any) *decoder {
	if o.Outdated {
		return nil
	}
	d := l.decoder(o)
	if n == nil {
		d.missing("spec")
		return nil
	}
	d.NoHoles = true
	d.lenientDecode(n, reflect.ValueOf(out).Elem(), "spec")
	return d
}
