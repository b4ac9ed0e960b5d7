package config

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
)

// Receiver is an address that others tell that something has changed.
type Receiver struct {
	Name   pinsetter.Name
	Origin Origin
	Type   string   // one of the Receiver constants
	Events []string // that count, for types that name theirs; empty: all

	// Resources are the objects to look at, sorted: those that were given of
	// kinds that are looked at. APIVersion is left out.
	Resources []pinsetter.Object

	// Token is the key "token" of the Secret, byte for byte, as the path that
	// senders know is made of it.
	Token pinsetter.Secret

	// Email and Audience are what Google's token must say, of ReceiverGCR alone.
	Email    string
	Audience string

	Suspended bool

	// Err is nil when the receiver is usable. Everything it joins is also in
	// Set.Findings.
	Err error
}

// The types of a Receiver.
const (
	ReceiverGeneric     = "generic"
	ReceiverGenericHMAC = "generic-hmac"
	ReceiverGitHub      = "github" // and Gitea
	ReceiverGitLab      = "gitlab"
	ReceiverBitbucket   = "bitbucket" // the server
	ReceiverHarbor      = "harbor"
	ReceiverDockerHub   = "dockerhub"
	ReceiverQuay        = "quay"
	ReceiverNexus       = "nexus"
	ReceiverACR         = "acr"
	ReceiverGCR         = "gcr"
	ReceiverCDEvents    = "cdevents"
)

// receiverOIDC is the one type of Flux 2.9 that is not served.
const receiverOIDC = "generic-oidc"

// receiverTypes are those that are served.
var receiverTypes = []string{
	ReceiverGeneric, ReceiverGenericHMAC, ReceiverGitHub, ReceiverGitLab, ReceiverBitbucket, ReceiverHarbor,
	ReceiverDockerHub, ReceiverQuay, ReceiverNexus, ReceiverACR, ReceiverGCR, ReceiverCDEvents,
}

// eventTypes are the types whose senders name their events.
var eventTypes = []string{ReceiverGitHub, ReceiverGitLab, ReceiverBitbucket, ReceiverCDEvents}

// wokenKinds are the kinds that a Receiver's resources lead to. Flux knows more,
// and nothing here depends on those.
var wokenKinds = []string{kindRepository, kindPolicy, kindAutomation, kindGit}

// receiverSpec is what is used of a Receiver's spec.
type receiverSpec struct {
	Type           string                `json:"type"`
	Events         []string              `json:"events"`
	Resources      []objectReference     `json:"resources"`
	ResourceFilter string                `json:"resourceFilter"`
	SecretRef      *LocalObjectReference `json:"secretRef"`
	Suspend        bool                  `json:"suspend"`
}

// receiverDraft is a Receiver whose references are not yet resolved.
type receiverDraft struct {
	*object
	spec receiverSpec
	out  *Receiver
}

func (l *loader) readReceiver(o *object, spec *yaml.Node) {
	r := &receiverDraft{object: o, out: &Receiver{Name: o.name, Origin: o.origin}}
	l.receivers = append(l.receivers, r)
	d := l.lenientSpec(o, spec, &r.spec)
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
		path := item("spec.resources", i)
		d.objectReference(path, ref, wokenKinds)
		d.refuseExpression(path+".filter", ref.Filter)
		if ref.Name == anyName && len(ref.MatchLabels) == 0 {
			d.fail(codeMissingField, path+".matchLabels", "is missing, and name is %q: name the labels of what is meant", anyName)
		}
	}
	if len(r.spec.Resources) == 0 {
		d.missing("spec.resources")
	}
	o.remember("spec.secretRef.name", "spec.resources")
	for i := range r.spec.Resources {
		o.remember(item("spec.resources", i))
	}
}

func (d *decoder) receiverType(spec *receiverSpec) {
	const path = "spec.type"
	if !d.require(path, spec.Type) {
		return
	}
	switch {
	case spec.Type == receiverOIDC:
		d.fail(codeUnsupported, path, "type %s is not supported yet; use %s", spec.Type, ReceiverGenericHMAC)
	case !contains(receiverTypes, spec.Type):
		d.fail(codeBadValue, path, "%q is not a type of Receiver%s%s", spec.Type, d.object.hint(spec.Type), DidYouMean(spec.Type, receiverTypes))
	case len(spec.Events) > 0 && !contains(eventTypes, spec.Type):
		d.object.warn(codeBadValue, "spec.events", "senders of type %s don't name their events, and all of them count: leave it out", spec.Type)
	}
}

// refuseExpression reports an expression in CEL.
func (d *decoder) refuseExpression(path, expression string) {
	if expression != "" {
		d.fail(codeUnsupported, path, "expressions in CEL are not supported yet: leave it out")
	}
}

// resolveReceiver fills in what the receiver's references lead to.
func (l *loader) resolveReceiver(r *receiverDraft) {
	r.out.Type, r.out.Events, r.out.Suspended = r.spec.Type, r.spec.Events, r.spec.Suspend
	for i, ref := range r.spec.Resources {
		r.out.Resources = append(r.out.Resources, l.woken(r, item("spec.resources", i), ref)...)
	}
	slices.SortFunc(r.out.Resources, compareObjects)
	r.out.Resources = slices.Compact(r.out.Resources)
	if len(r.out.Resources) == 0 && !r.broken() {
		r.warn(codeMissingObject, "spec.resources", "lead to nothing that was given and that deliveries are for: %s", strings.Join(wokenKinds, ", "))
	}
	if r.spec.SecretRef != nil {
		l.receiverSecret(r)
	}
	r.out.Err = r.err()
}

// woken returns the objects that a reference leads to.
func (l *loader) woken(r *receiverDraft, path string, ref objectReference) []pinsetter.Object {
	if !contains(wokenKinds, ref.Kind) {
		return nil
	}
	ref.Namespace = cmp.Or(ref.Namespace, r.name.Namespace)
	if ref.Name == anyName {
		return l.labelled(ref)
	}
	key := objectKey{ref.Kind, pinsetter.Name{Namespace: ref.Namespace, Name: ref.Name}}
	if _, found := l.objects[key]; !found {
		r.warn(codeMissingObject, path, "%s %s was not given%s%s", key.kind, key.name, r.hint(ref.Name), l.elsewhere(r.object, key))
		return nil
	}
	return []pinsetter.Object{{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}}
}

// receiverSecret fills in what the receiver's Secret holds.
func (l *loader) receiverSecret(r *receiverDraft) {
	const field = "spec.secretRef.name"
	s := l.secret(r.object, field, r.spec.SecretRef.Name)
	if s == nil {
		return
	}
	with := user{r.object, field, s}
	if with.need("token", "the address that senders know is made of it") {
		r.out.Token = with.secret("token")
	}
	if r.spec.Type != ReceiverGCR {
		return
	}
	email := with.need("email", "it is the account that Pub/Sub pushes as")
	audience := with.need("audience", "it is the audience of the tokens that Pub/Sub pushes with")
	if email && audience {
		r.out.Email, r.out.Audience = with.plainLine("email"), with.plainLine("audience")
	}
}

// lenientSpec decodes the spec of an object of which only the fields are read
// that are used. It returns nil where there is no spec to check.
func (l *loader) lenientSpec(o *object, spec *yaml.Node, out any) *decoder {
	if o.outdated {
		return nil
	}
	d := l.decoder(o)
	if spec == nil {
		d.missing("spec")
		return nil
	}
	d.lenientDecode(spec, reflect.ValueOf(out).Elem(), "spec")
	return d
}
