package secret

import (
	"encoding/json"
	"unicode/utf8"

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
// zero Secret after reporting that it holds none. With a host it may hold that one's
// username and password instead, as the Secret of a HelmRepository of type oci may
// (https://fluxcd.io/flux/components/source/helmrepositories/#secret-reference).
func (r *Reader) DockerConfig(host string) pinsetter.Secret {
	kind := r.Content.Type
	switch {
	case kind == oldDockerConfig, kind == "" && r.has(oldDockerConfigKey):
		if isJSON(r, oldDockerConfigKey) {
			return r.named(oldDockerConfigKey, `{"auths":`+r.value(oldDockerConfigKey)+`}`)
		}
	case host != "" && kind != dockerConfigType && !r.has(dockerConfigKey):
		return loginTo(r, host)
	case kind != dockerConfigType && (kind != "" || !r.Content.Mounted):
		r.fail("is of type %q, and registries need %s (kubectl create secret docker-registry)", kind, dockerConfigType)
	case isJSON(r, dockerConfigKey):
		return r.Secret(dockerConfigKey)
	}
	return pinsetter.Secret{}
}

// loginTo returns username and password as a Docker configuration for the host.
func loginTo(r *Reader, host string) pinsetter.Secret {
	const why = "a registry needs username and password, or a Secret of type " + dockerConfigType
	if !r.Need("username", why) || !r.Need("password", why) {
		return pinsetter.Secret{}
	}
	type entry struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	login := entry{r.PlainLine("username"), r.PlainLine("password")}
	if !utf8.ValidString(login.Username + login.Password) {
		r.fail("has a username or password that isn't UTF-8, in which registries are logged in to")
		return pinsetter.Secret{}
	}
	text, _ := json.Marshal(map[string]map[string]entry{"auths": {host: login}}) // texts can be marshalled
	return r.named("password", string(text))
}

// isJSON reports whether a key holds a JSON object; if not, that is reported.
func isJSON(r *Reader, key string) bool {
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
