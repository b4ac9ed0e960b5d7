package config

import (
	"encoding/json"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// The types of Secrets that hold credentials for registries, and their keys.
const (
	dockerConfigType   = "kubernetes.io/dockerconfigjson"
	dockerConfigKey    = ".dockerconfigjson"
	oldDockerConfig    = "kubernetes.io/dockercfg"
	oldDockerConfigKey = ".dockercfg"
)

// dockerConfig adds the credentials that a Secret holds for registries.
func (l *loader) dockerConfig(o *object, field, name string, access *fleet.RegistryAccess) {
	s := l.secret(o, field, name)
	if s == nil {
		return
	}
	u := user{o, field, s}
	if s.Type == oldDockerConfig || s.Type == "" && u.has(oldDockerConfigKey) {
		if u.isJSON(oldDockerConfigKey) {
			auths := `{"auths":` + u.value(oldDockerConfigKey) + `}`
			access.DockerConfigs = append(access.DockerConfigs, u.named(oldDockerConfigKey, auths))
		}
		return
	}
	if s.Type != dockerConfigType && (s.Type != "" || s.object != nil) {
		u.fail("is of type %q, and registries need %s (kubectl create secret docker-registry)", s.Type, dockerConfigType)
		return
	}
	if u.isJSON(dockerConfigKey) {
		access.DockerConfigs = append(access.DockerConfigs, u.secret(dockerConfigKey))
	}
}

// isJSON reports whether a key holds a JSON object; if not, that is reported.
func (u user) isJSON(key string) bool {
	content, err := u.from.value(key)
	if err != nil {
		u.fail("%v", err)
		return false
	}
	var document map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &document) != nil || document == nil {
		u.fail("has no JSON object under %s", key)
		return false
	}
	return true
}

// pullSecrets adds the credentials of a ServiceAccount's imagePullSecrets.
func (l *loader) pullSecrets(o *object, name string, access *fleet.RegistryAccess) {
	const field = "spec.serviceAccountName"
	if !validName(name) {
		return // reported
	}
	key := pinsetter.Name{Namespace: o.name.Namespace, Name: name}
	a := l.accounts[key]
	switch {
	case a == nil || a.outdated:
		l.missing(o, field, objectKey{kindAccount, key})
		return
	case a.broken():
		o.fail(codeMissingObject, field, "%s has errors: %s:%d", a, a.origin.Path, a.firstError().Line)
		return
	}
	for _, ref := range a.PullSecrets {
		if !validName(ref.Name) {
			o.fail(codeName, field, "%s (%s) names a Secret %q, which is not a name", a, a.place(), ref.Name)
			continue
		}
		l.dockerConfig(o, field, ref.Name, access)
	}
}
