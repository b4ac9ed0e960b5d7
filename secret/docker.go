package secret

import (
	"encoding/json"

	"github.com/pinsetter/pinsetter"
)

// The types of Secrets that hold credentials for registries, and their keys.
const (
	dockerConfigType   = "kubernetes.io/dockerconfigjson"
	dockerConfigKey    = ".dockerconfigjson"
	oldDockerConfig    = "kubernetes.io/dockercfg"
	oldDockerConfigKey = ".dockercfg"
)

// DockerConfig returns the credentials that the Secret holds for registries, the
// zero Secret after reporting that it holds none.
func (r *Reader) DockerConfig() pinsetter.Secret {
	kind := r.Content.Type
	switch {
	case kind == oldDockerConfig, kind == "" && r.has(oldDockerConfigKey):
		if r.isJSON(oldDockerConfigKey) {
			return r.named(oldDockerConfigKey, `{"auths":`+r.value(oldDockerConfigKey)+`}`)
		}
	case kind != dockerConfigType && (kind != "" || !r.Content.Mounted):
		r.fail("is of type %q, and registries need %s (kubectl create secret docker-registry)", kind, dockerConfigType)
	case r.isJSON(dockerConfigKey):
		return r.Secret(dockerConfigKey)
	}
	return pinsetter.Secret{}
}

// isJSON reports whether a key holds a JSON object; if not, that is reported.
func (r *Reader) isJSON(key string) bool {
	content, err := r.Content.value(key)
	if err != nil {
		r.fail("%v", err)
		return false
	}
	var document map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &document) != nil || document == nil {
		r.fail("has no JSON object under %s", key)
		return false
	}
	return true
}
