package registry_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

func TestTagsOverTLS(t *testing.T) {
	ca, clients, stranger := parts.NewCA(t), parts.NewCA(t), parts.NewCA(t)
	server := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca}}})
	mutual := parts.NewRegistry(t, parts.RegistryOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca, Clients: clients}}})
	plain := parts.NewRegistry(t, parts.RegistryOptions{})
	for _, r := range []*parts.Registry{server, mutual, plain} {
		r.SetTags("app", "1.0.0")
	}
	client, other := clients.Client("bot"), stranger.Client("bot")
	key := func(p parts.Pair) pinsetter.Secret { return pinsetter.NewSecret("key", string(p.Key)) }

	for name, test := range map[string]struct {
		server *parts.Registry
		access registry.Access
		want   string // "": it works
	}{
		"own authority":       {server, registry.Access{TLS: pinsetter.TLS{CA: ca.PEM}}, ""},
		"insecure with TLS":   {server, registry.Access{TLS: pinsetter.TLS{CA: ca.PEM}, Insecure: true}, ""},
		"client certificate":  {mutual, registry.Access{TLS: pinsetter.TLS{CA: ca.PEM, Cert: client.Cert, Key: key(client)}}, ""},
		"plain and insecure":  {plain, registry.Access{Insecure: true}, ""},
		"plain on loopback":   {plain, registry.Access{}, ""},
		"unknown authority":   {server, registry.Access{}, "put that authority's certificate into a Secret as ca.crt and name the Secret in certSecretRef"},
		"insecure, unknown":   {server, registry.Access{Insecure: true}, "certSecretRef"},
		"another authority":   {server, registry.Access{TLS: pinsetter.TLS{CA: stranger.PEM}}, "if HOST has its certificate from an authority of your own"},
		"no client":           {mutual, registry.Access{TLS: pinsetter.TLS{CA: ca.PEM}}, "if it asks for a client certificate, give tls.crt and tls.key in the Secret of certSecretRef"},
		"wrong client":        {mutual, registry.Access{TLS: pinsetter.TLS{CA: ca.PEM, Cert: other.Cert, Key: key(other)}}, "certSecretRef"},
		"plain where TLS was": {plain, registry.Access{TLS: pinsetter.TLS{CA: ca.PEM}}, "HOST answers plain HTTP where https is asked for; allow it with insecure: true, or with --plain-http and the host, if that is meant"},
	} {
		t.Run(name, func(t *testing.T) {
			repository := openWith(t, quick(registry.Options{}), test.server.Image("app"), test.access)
			if test.want == "" {
				wantTags(t, repository, []string{"1.0.0"})
				return
			}
			_, err := repository.Tags(t.Context())
			wantError(t, err, nil, test.server.Addr, test.want)
		})
	}
}

func TestRepositoryRefusesBadAccess(t *testing.T) {
	ca := parts.NewCA(t)
	pair := ca.Client("bot")
	secret := func(value string) pinsetter.Secret { return pinsetter.NewSecret("secretRef a/b", value) }
	for name, test := range map[string]struct {
		image  string
		access registry.Access
		want   string
	}{
		"scheme":           {"https://ghcr.io/a/b", registry.Access{}, `image "https://ghcr.io/a/b" is not a repository name like ghcr.io/org/app (no scheme, no tag)`},
		"tag":              {"ghcr.io/a/b:v1", registry.Access{}, `image "ghcr.io/a/b:v1" is not`},
		"escape":           {"ghcr.io/a/\x1b[2J", registry.Access{}, `image "ghcr.io/a/\x1b[2J" is not`},
		"empty":            {"", registry.Access{}, `image "" is not`},
		"no CA":            {"ghcr.io/a/b", registry.Access{TLS: pinsetter.TLS{CA: []byte("x")}}, "connect to ghcr.io: read ca.crt of certSecretRef: no PEM certificate in it"},
		"half a pair":      {"ghcr.io/a/b", registry.Access{TLS: pinsetter.TLS{Cert: pair.Cert}}, "tls.crt and tls.key go together, and only one is there"},
		"no key":           {"ghcr.io/a/b", registry.Access{TLS: pinsetter.TLS{Cert: pair.Cert, Key: secret("x")}}, "read tls.crt and tls.key of certSecretRef: "},
		"proxy":            {"ghcr.io/a/b", registry.Access{Proxy: &pinsetter.Proxy{Address: "proxy"}}, "read address of proxySecretRef: not a URL such as http://proxy.example:3128"},
		"proxy scheme":     {"ghcr.io/a/b", registry.Access{Proxy: &pinsetter.Proxy{Address: "ftp://proxy"}}, `scheme "ftp" is none of http, https, socks5`},
		"proxy user":       {"ghcr.io/a/b", registry.Access{Proxy: &pinsetter.Proxy{Address: "http://u:s3cret@proxy"}}, "give username and password as keys of the Secret"},
		"metadata proxy":   {"ghcr.io/a/b", registry.Access{Proxy: &pinsetter.Proxy{Address: "http://169.254.169.254"}}, "refused address"},
		"not JSON":         {"ghcr.io/a/b", registry.Access{DockerConfigs: []pinsetter.Secret{secret(`{"auths":s3cret`)}}, "look up credentials of ghcr.io/a/b: read secretRef a/b: not valid JSON at byte 10"},
		"not an object":    {"ghcr.io/a/b", registry.Access{DockerConfigs: []pinsetter.Secret{secret(`{"auths":"s3cret"}`)}}, "read secretRef a/b: a value at byte 17 is not of the type"},
		"no auths":         {"ghcr.io/a/b", registry.Access{DockerConfigs: []pinsetter.Secret{secret(`{"ghcr.io":{"auth":"s3cret"}}`)}}, "no auths in it; is it of type kubernetes.io/dockerconfigjson?"},
		"auth not base64":  {"ghcr.io/a/b", registry.Access{DockerConfigs: []pinsetter.Secret{secret(`{"auths":{"ghcr.io":{"auth":"s3cret"}}}`)}}, `read secretRef a/b: entry "ghcr.io": its auth is not user:password in base64`},
		"auth for another": {"ghcr.io/a/b", registry.Access{DockerConfigs: []pinsetter.Secret{secret(`{"auths":{"quay.io":{"auth":"s3cret"}}}`)}}, ""},
	} {
		_, err := registry.New(registry.Options{}).Repository(test.image, test.access)
		if test.want == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v; want it to say %s", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error %q shows a secret", name, err)
		}
	}
}

func TestTagsThroughAProxy(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0")
	proxy := parts.NewProxy(t, parts.FrontOptions{User: "bot", Password: password})
	through := func(password string) registry.Access {
		return registry.Access{Insecure: true, Proxy: &pinsetter.Proxy{
			Address: proxy.URL, Username: "bot", Password: pinsetter.NewSecret("proxy", password),
		}}
	}
	wantTags(t, open(t, server.Image("app"), through(password)), []string{"1.0.0"})
	if proxy.Log.Count("", "") == 0 {
		t.Error("nothing came to the proxy")
	}

	_, err := open(t, server.Image("app"), through("wrong")).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "list tags of HOST/app: ")
	wantError(t, err, nil, server.Addr, "proxySecretRef")
	wantNoSecret(t, err)

	// An address that a URL names is refused before the proxy is asked.
	proxy.Log.Reset()
	_, err = open(t, "169.254.169.254/app", through(password)).Tags(t.Context())
	wantError(t, err, nil, "", "refused address")
	if proxy.Log.Count("", "") != 0 {
		t.Error("the proxy was asked for a metadata address")
	}
}

// The proxy itself is connected to through the dialer.
func TestProxyOnARefusedAddress(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	proxy := parts.NewProxy(t, parts.FrontOptions{})
	o := quick(registry.Options{Dialer: login.Dialer{RefusePrivate: true}})
	_, err := openWith(t, o, "registry.example/app", registry.Access{Proxy: &pinsetter.Proxy{Address: proxy.URL}}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "refused address: 127.0.0.1 is loopback")
	if n := proxy.Log.Count(http.MethodConnect, ""); n != 0 {
		t.Errorf("%d requests came to the proxy", n)
	}
}

// TestPlainHTTPIsForItsHost: what is said of one registry allows nothing at others.
func TestPlainHTTPIsForItsHost(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	server.SetTags("app", "1.0.0")
	access := registry.Access{TLS: pinsetter.TLS{CA: parts.NewCA(t).PEM}} // on loopback, else, nothing is needed
	wantTags(t, openWith(t, quick(registry.Options{PlainHTTP: []string{"other", server.Addr}}), server.Image("app"), access), []string{"1.0.0"})
	_, err := openWith(t, quick(registry.Options{PlainHTTP: []string{"other"}}), server.Image("app"), access).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "answers plain HTTP where https is asked for")
}
