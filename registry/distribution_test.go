package registry_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

func TestDistribution(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{PageSize: 10})
	tags := numbered(35)
	digest := server.PushSame("org/app", tags...)
	repository := openWith(t, registry.Options{Anonymous: true, UserAgent: "pinsetter-test"}, server.Image("org/app"), registry.Access{})
	wantTags(t, repository, tags)
	if log := server.Output(); !strings.Contains(log, "pinsetter-test") || strings.Contains(log, "tags/list?") {
		t.Errorf("the list took more than one request:\n%s", log)
	}
	if got, err := repository.Digest(t.Context(), tags[0]); err != nil || got != digest {
		t.Errorf("digest is %s, %v; want %s", got, err, digest)
	}
	_, err := open(t, server.Image("org/other"), registry.Access{}).Tags(t.Context())
	wantError(t, err, registry.ErrNotFound, server.Addr, "list tags of HOST/org/other: 404 Not Found: NAME_UNKNOWN: repository name not known to registry")
}

func TestDistributionHoldsContent(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{User: "bot", Password: password})
	access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
	repository := open(t, server.Image("org/app"), access)
	wantContent(t, repository, server.PushIndex("org/app", "1.0.0", "linux/arm/v7", "linux/amd64"),
		registry.Content{Platforms: []string{"linux/amd64", "linux/arm/v7"}})
	wantContent(t, repository, server.PushContent("org/app", "2.0.0", "content"), registry.Content{Platforms: []string{}})
	server.PushChart("org/app", "3.0.0")
	wantContent(t, repository, server.Digest("org/app", "3.0.0"), registry.Content{})

	absent := "sha256:" + strings.Repeat("0", 64)
	_, err := repository.Content(t.Context(), absent)
	wantError(t, err, registry.ErrNotFound, server.Addr, "read content of HOST/org/app@"+absent+": 404 Not Found: MANIFEST_UNKNOWN")
}

// Distribution doesn't page unless it is asked to, so something before it does
// that asks; its own links lead on.
func TestDistributionPages(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{PageSize: 10})
	tags := numbered(200)
	server.PushSame("org/app", tags...)
	front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := server.URL + r.URL.Path + "?" + r.URL.RawQuery
		if r.URL.RawQuery == "" {
			u += "n=4"
		}
		answer, err := http.Get(u)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		for _, key := range []string{"Link", "Content-Type"} {
			w.Header()[key] = answer.Header[key]
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}), parts.FrontOptions{})
	wantTags(t, open(t, front.Addr+"/org/app", registry.Access{}), tags)
	if got := front.Log.Count("", "/tags/list"); got < 21 || got > 44 { // 4, then 20 of 10 and an empty one
		t.Errorf("%d pages; want 21, and some between to read several at once", got)
	}
}

func TestDistributionWithPasswords(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{User: "bot", Password: password})
	server.PushSame("org/app", "1.0.0")
	right := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/right", server.Addr, "bot", password)}}
	wrong := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/wrong", server.Addr, "bot", "no")}}
	wantTags(t, open(t, server.Image("org/app"), right), []string{"1.0.0"})
	_, err := open(t, server.Image("org/app"), wrong).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr,
		"list tags of HOST/org/app: 401 Unauthorized: UNAUTHORIZED: authentication required; the credentials of secretRef a/wrong were refused")
}

func TestDistributionWithTokens(t *testing.T) {
	tokens := parts.NewTokenServer(t, parts.TokenOptions{Users: map[string]string{"bot": password}})
	server := parts.NewDistribution(t, parts.DistributionOptions{Tokens: tokens})
	server.PushSame("org/app", "1.0.0")
	access := registry.Access{DockerConfigs: []pinsetter.Secret{dockerConfig("secretRef a/b", server.Addr, "bot", password)}}
	pushed := tokens.Issued("")
	repository := open(t, server.Image("org/app"), access)
	for range 2 {
		wantTags(t, repository, []string{"1.0.0"})
		if _, err := repository.Digest(t.Context(), "1.0.0"); err != nil {
			t.Error(err)
		}
	}
	if got := tokens.Issued("") - pushed; got != 1 {
		t.Errorf("%d tokens; want 1", got)
	}
	_, err := open(t, server.Image("org/app"), registry.Access{}).Tags(t.Context())
	wantError(t, err, registry.ErrDenied, server.Addr, fmt.Sprintf("401 Unauthorized from the token server %q of HOST", tokens.Realm()))
}

func TestDistributionOverTLS(t *testing.T) {
	ca, clients := parts.NewCA(t), parts.NewCA(t)
	server := parts.NewDistribution(t, parts.DistributionOptions{TLS: &parts.TLS{CA: ca, Clients: clients}})
	server.PushSame("org/app", "1.0.0")
	client := clients.Client("bot")
	access := registry.Access{TLS: pinsetter.TLS{CA: ca.PEM, Cert: client.Cert, Key: pinsetter.NewSecret("key", string(client.Key))}}
	wantTags(t, open(t, server.Image("org/app"), access), []string{"1.0.0"})

	_, err := open(t, server.Image("org/app"), registry.Access{TLS: pinsetter.TLS{CA: ca.PEM}}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "give tls.crt and tls.key in the Secret of certSecretRef")
	_, err = open(t, server.Image("org/app"), registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "name the Secret in certSecretRef")
}

// The old distribution knows no pages and lists tags in no order.
func TestOldDistribution(t *testing.T) {
	server := parts.NewDistribution(t, parts.DistributionOptions{Program: "docker-registry"})
	tags := numbered(30)
	digest := server.PushSame("org/app", tags...)
	repository := open(t, server.Image("org/app"), registry.Access{})
	wantTags(t, repository, tags)
	if got, err := repository.Digest(t.Context(), tags[3]); err != nil || got != digest {
		t.Errorf("digest is %s, %v; want %s", got, err, digest)
	}
}
