package config

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// secret is the content of a Secret, from an object or a mounted folder.
type secret struct {
	*object   // nil for a mounted folder
	name      pinsetter.Name
	where     string            // "path:line", or the folder
	Type      string            `json:"type"` // "" is unknown for a mounted folder, Opaque for an object
	Data      map[string]string `json:"data"` // base64; plain for a mounted folder
	Text      map[string]string `json:"stringData"`
	encrypted bool              // by SOPS
}

func (l *loader) readSecret(o *object) {
	s := &secret{object: o, name: o.name, where: o.place()}
	l.secrets[o.name] = s
	d := l.decoder(o)
	var document struct {
		Type string            `json:"type"`
		Data map[string]string `json:"data"`
		Text map[string]string `json:"stringData"`
	}
	d.lenientDecode(o.node, reflect.ValueOf(&document).Elem(), "")
	s.Type, s.Data, s.Text = document.Type, document.Data, document.Text
	s.encrypted = strict.Child(o.node, "sops") != nil || hasEncrypted(s.Data) || hasEncrypted(s.Text)
	o.unlessTemplate()
}

// hasEncrypted reports whether a value is SOPS's. It recognises those of a
// document whose metadata was lost.
func hasEncrypted(values map[string]string) bool {
	for _, value := range values {
		if strings.HasPrefix(value, "ENC[AES256_GCM") {
			return true
		}
	}
	return false
}

// unlessTemplate turns the errors of a core object in a template into none: charts
// are full of them, and who needs the object is told.
func (o *object) unlessTemplate() {
	if o.template && o.broken() {
		o.findings, o.outdated = nil, true
	}
}

// secret returns a Secret of o's namespace, or nil after reporting to o why it
// can't be had.
func (l *loader) secret(o *object, field, name string) *secret {
	if !validName(name) {
		return nil // reported
	}
	key := pinsetter.Name{Namespace: o.name.Namespace, Name: name}
	given := l.secrets[key]
	mounted, ok := l.mounted(o, field, key)
	switch {
	case !ok: // reported
	case len(mounted) > 0 && (given == nil || given.encrypted):
		return l.agree(o, field, mounted)
	case given == nil:
		o.fail(codeSecretMissing, field, "Secret %s was not given%s: hand it in with -f, or mount it (--secrets DIR, read as DIR/%s/<key>)%s%s",
			key, o.hint(name), key, l.elsewhere(o, objectKey{kindSecret, key}), l.unparsedSecret(name))
	case given.encrypted:
		o.fail(codeSecretEncrypted, field, "Secret %s (%s) is encrypted by SOPS: decrypt it before handing it in (sops -d %s), or mount it decrypted (--secrets DIR, read as DIR/%s/<key>)",
			key, given.where, given.origin.Path, key)
	case given.outdated:
		o.fail(codeSecretMissing, field, "Secret %s (%s) is a template: hand in what it renders to", key, given.where)
	case given.broken():
		o.fail(codeSecret, field, "Secret %s has errors: %s:%d", key, given.origin.Path, given.firstError().Line)
	default:
		return l.agree(o, field, append([]*secret{given}, mounted...))
	}
	return nil
}

// agree returns the first of several copies of a Secret, or nil after reporting
// that they differ.
func (l *loader) agree(o *object, field string, copies []*secret) *secret {
	for _, other := range copies[1:] {
		if !slices.Equal(copies[0].keys(), other.keys()) || !sameValues(copies[0], other) {
			o.fail(codeSecret, field, "Secret %s is given twice, by %s and %s, and the two differ: keep one", other.name, copies[0].where, other.where)
			return nil
		}
	}
	return copies[0]
}

func sameValues(a, b *secret) bool {
	for _, key := range a.keys() {
		x, errX := a.value(key)
		y, errY := b.value(key)
		if x != y || errX != nil || errY != nil {
			return false
		}
	}
	return true
}

// unparsedSecret says that a document that names a Secret could not be parsed.
func (l *loader) unparsedSecret(name string) string {
	for _, u := range l.unparsed {
		if bytes.Contains(u.data, []byte(name)) {
			return fmt.Sprintf("; %s may hold it and is not valid YAML", u.place)
		}
	}
	return ""
}

// keys returns the keys that have a value, sorted.
func (s *secret) keys() []string {
	var keys []string
	for key := range s.Data {
		keys = append(keys, key)
	}
	for key := range s.Text {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// value returns what a key holds, "" where there is none. stringData wins over
// data, as in a cluster.
func (s *secret) value(key string) (string, error) {
	if value, found := s.Text[key]; found {
		return value, nil
	}
	if s.object == nil {
		return s.Data[key], nil
	}
	value, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s.Data[key]), ""))
	if err != nil {
		return "", fmt.Errorf("has no base64 under data.%s: encode it, or move it to stringData", key)
	}
	return string(value), nil
}

// account is a ServiceAccount.
type account struct {
	*object
	PullSecrets []spec.LocalObjectReference
}

func (l *loader) readAccount(o *object) {
	var document struct {
		PullSecrets []spec.LocalObjectReference `json:"imagePullSecrets"`
	}
	l.decoder(o).lenientDecode(o.node, reflect.ValueOf(&document).Elem(), "")
	l.accounts[o.name] = &account{o, document.PullSecrets}
	o.unlessTemplate()
}
