package config

import (
	"bytes"
	"fmt"
	"path"
	"reflect"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// givenSecret is a Secret among the objects.
type givenSecret struct {
	*index.Object
	content   *secret.Content
	encrypted bool   // by SOPS
	misspelt  string // what is wrong with a field that Kubernetes passes over; "" for nothing
}

// vault has the Secrets and ServiceAccounts that were given, and those in mounted
// folders.
type vault struct {
	*index.Index
	opts     Options
	secrets  map[pinsetter.Name]*givenSecret
	accounts map[pinsetter.Name]*account
	mounts   []*secret.Mount
}

func newVault(x *index.Index, opts Options) *vault {
	return &vault{Index: x, opts: opts, secrets: map[pinsetter.Name]*givenSecret{}, accounts: map[pinsetter.Name]*account{}}
}

func (v *vault) readSecret(o *index.Object) {
	s := &secret.Content{Name: o.Name, Where: o.Place()}
	given := &givenSecret{Object: o, content: s}
	v.secrets[o.Name] = given
	d := newDecoder(v.Schema, o)
	var document struct {
		Type string            `json:"type"`
		Data map[string]string `json:"data"`
		Text map[string]string `json:"stringData"`
	}
	d.lenientDecode(o.Node, reflect.ValueOf(&document).Elem(), "")
	s.Type, s.Data, s.Text = document.Type, document.Data, document.Text
	given.encrypted = strict.Child(o.Node, "sops") != nil || s.HasEncrypted()
	given.misspelt = misspelt(o)
	unlessTemplate(o)
}

// secretFields are those of a Secret that hold something, or say how.
var secretFields = []string{"data", "stringData", "type", "immutable"}

// misspelt names a field of a Secret that Kubernetes passes over, and the one that
// is probably meant; "" if there is none.
func misspelt(o *index.Object) string {
	for _, f := range strict.Fields(o.Node) {
		name := f.Key.Value
		if slices.Contains(secretFields, name) || slices.Contains(topFields.Names, name) {
			continue
		}
		if meant := strict.Suggest(name, secretFields); meant != "" {
			return fmt.Sprintf("has a field %s in line %d, which Kubernetes passes over: write %s", name, f.Key.Line+o.Offset, meant)
		}
	}
	return ""
}

// unlessTemplate turns the errors of a core object in a template into none: charts
// are full of them, and who needs the object is told.
func unlessTemplate(o *index.Object) {
	if o.Template && o.Broken() {
		o.Findings, o.Outdated = nil, true
	}
}

// secret returns what reads a Secret of o's namespace and reports to o's field, or
// nil after reporting why it can't be had.
func (v *vault) secret(o *index.Object, field, name string) *secret.Reader {
	if !index.ValidName(name) {
		return nil // reported
	}
	key := pinsetter.Name{Namespace: o.Name.Namespace, Name: name}
	given := v.secrets[key]
	mounted, ok := v.mounted(o, field, key)
	switch {
	case !ok: // reported
	case len(mounted) > 0 && (given == nil || given.encrypted):
		return v.agree(o, field, mounted)
	case given == nil:
		o.Fail(codeSecretMissing, field, "Secret %s was not given%s: hand it in with -f, or mount it (--secrets DIR, read as DIR/%s/<key>)%s%s",
			key, o.Hint(name), key, v.Elsewhere(o, index.Key{Kind: claim.KindSecret, Name: key}), v.unparsedSecret(name))
	case given.encrypted:
		o.Fail(codeSecretEncrypted, field, "Secret %s (%s) is encrypted by SOPS: decrypt it before handing it in (sops -d %s), or mount it decrypted (--secrets DIR, read as DIR/%s/<key>)",
			key, given.content.Where, given.Origin.Path, key)
	case given.Outdated:
		o.Fail(codeSecretMissing, field, "Secret %s (%s) is a template: hand in what it renders to", key, given.content.Where)
	case given.Needed().Broken():
		o.Fail(codeSecret, field, "Secret %s has errors: %s:%d", key, given.Origin.Path, given.FirstError().Line)
	case given.misspelt != "":
		o.Fail(codeSecret, field, "Secret %s (%s) %s", key, given.content.Where, given.misspelt)
	default:
		return v.agree(o, field, append([]*secret.Content{given.content}, mounted...))
	}
	return nil
}

// agree returns what reads the first of several copies of a Secret, or nil after
// reporting that they differ.
func (v *vault) agree(o *index.Object, field string, copies []*secret.Content) *secret.Reader {
	for _, other := range copies[1:] {
		if !copies[0].Same(other) {
			o.Fail(codeSecret, field, "Secret %s is given twice, by %s and %s, and the two differ: keep one", other.Name, copies[0].Where, other.Where)
			return nil
		}
	}
	if problem := copies[0].Refused(); problem != "" {
		o.Fail(codeSecret, field, "Secret %s (%s) %s", copies[0].Name, copies[0].Where, problem)
		return nil
	}
	return &secret.Reader{Content: copies[0], Report: func(text string) { o.Fail(codeSecret, field, "%s", text) }}
}

func (v *vault) openSecretDirs() {
	for _, dir := range v.opts.SecretDirs {
		folder, err := secret.OpenMount(dir)
		if err != nil {
			v.Fault(codeSecretDir, dir, 0, fmt.Sprintf("the folder of Secrets can't be read: %v", err))
			continue
		}
		v.mounts = append(v.mounts, folder)
	}
}

func (v *vault) closeSecretDirs() {
	for _, m := range v.mounts {
		m.Close()
	}
}

// mounted returns the copies of a Secret that the folders hold. If one can't be
// read, that is reported to o and ok is false.
func (v *vault) mounted(o *index.Object, field string, name pinsetter.Name) (found []*secret.Content, ok bool) {
	ok = true
	places := []string{path.Join(name.Namespace, name.Name)}
	if name.Namespace == v.opts.Namespace {
		places = append(places, name.Name)
	}
	for _, m := range v.mounts {
		for _, place := range places {
			s, err := m.Read(name, place)
			if err != nil {
				ok = false
				o.Fail(codeSecretDir, field, "Secret %s %v", name, err)
			}
			if s != nil {
				found = append(found, s)
			}
		}
	}
	return found, ok
}

// certificates returns what a certSecretRef leads to.
func (v *vault) certificates(o *index.Object, field, name string) pinsetter.TLS {
	if with := v.secret(o, field, name); with != nil {
		return with.Certificates()
	}
	return pinsetter.TLS{}
}

// proxy returns what a proxySecretRef leads to, nil after reporting why not.
func (v *vault) proxy(o *index.Object, field, name string) *pinsetter.Proxy {
	if with := v.secret(o, field, name); with != nil {
		return with.Proxy()
	}
	return nil
}

// unparsedSecret says that a document that names a Secret could not be parsed.
func (v *vault) unparsedSecret(name string) string {
	for _, u := range v.Unparsed {
		if bytes.Contains(u.Data, []byte(name)) {
			return fmt.Sprintf("; %s may hold it and is not valid YAML", u.Place)
		}
	}
	return ""
}

// account is a ServiceAccount.
type account struct {
	*index.Object
	PullSecrets []spec.LocalObjectReference
}

func (v *vault) readAccount(o *index.Object) {
	var document struct {
		PullSecrets []spec.LocalObjectReference `json:"imagePullSecrets"`
	}
	newDecoder(v.Schema, o).lenientDecode(o.Node, reflect.ValueOf(&document).Elem(), "")
	v.accounts[o.Name] = &account{o, document.PullSecrets}
	unlessTemplate(o)
}

// dockerConfig adds the credentials that a Secret holds for registries.
func (v *vault) dockerConfig(o *index.Object, field, name, host string, access *fleet.RegistryAccess) {
	with := v.secret(o, field, name)
	if with == nil {
		return
	}
	if given := with.DockerConfig(host); !given.IsZero() {
		access.DockerConfigs = append(access.DockerConfigs, given)
	}
}

// pullSecrets adds the credentials of a ServiceAccount's imagePullSecrets.
func (v *vault) pullSecrets(o *index.Object, name string, access *fleet.RegistryAccess) {
	const field = "spec.serviceAccountName"
	if !index.ValidName(name) {
		return // reported
	}
	key := pinsetter.Name{Namespace: o.Name.Namespace, Name: name}
	a := v.accounts[key]
	switch {
	case a == nil || a.Outdated:
		o.Fail(codeMissingObject, field, "%s", v.NotGiven(o, index.Key{Kind: claim.KindServiceAccount, Name: key}))
		return
	case a.Needed().Broken():
		o.Fail(codeMissingObject, field, "%s has errors: %s:%d", a, a.Origin.Path, a.FirstError().Line)
		return
	}
	for _, ref := range a.PullSecrets {
		if !index.ValidName(ref.Name) {
			o.Fail(index.CodeName, field, "%s (%s) names a Secret %q, which is not a name", a, a.Place(), ref.Name)
			continue
		}
		v.dockerConfig(o, field, ref.Name, "", access)
	}
}
