package parts

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestDistribution(t *testing.T) {
	Need(t, "registry")
	Need(t, "docker-registry")
	ca := NewCA(t)
	tokens := NewTokenServer(t, TokenOptions{Users: map[string]string{"bot": "secret"}})
	client := &http.Transport{TLSClientConfig: &tls.Config{
		RootCAs:      ca.Pool(),
		Certificates: []tls.Certificate{ca.Client("bot").certificate(t)},
	}}
	defer client.CloseIdleConnections()
	login := remote.WithAuth(&authn.Basic{Username: "bot", Password: "secret"})
	for name, test := range map[string]struct {
		options DistributionOptions
		client  []remote.Option
	}{
		"plain":    {DistributionOptions{PageSize: 2}, nil},
		"old":      {DistributionOptions{Program: "docker-registry"}, nil},
		"password": {DistributionOptions{User: "bot", Password: "secret"}, []remote.Option{login}},
		"tokens":   {DistributionOptions{Tokens: tokens}, []remote.Option{login}},
		"client certificate": {
			DistributionOptions{TLS: &TLS{CA: ca, Clients: ca}},
			[]remote.Option{remote.WithTransport(client)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDistribution(t, test.options)
			d.Push("org/app", "1.0.0", "1.1.0", "2.0.0")
			got := list(t, d.Image("org/app"), test.client...)
			if diff := cmp.Diff([]string{"1.0.0", "1.1.0", "2.0.0"}, got); diff != "" && name != "old" {
				t.Errorf("tags: %s\n%s", diff, d.Output())
			}
			if len(got) != 3 {
				t.Errorf("%d tags", len(got))
			}
		})
	}
	if tokens.Issued("repository:org/app:pull") == 0 {
		t.Error("no token was asked for")
	}
}

func TestDistributionListsAliases(t *testing.T) {
	d := NewDistribution(t, DistributionOptions{})
	d.Push("org/app", "1.0.0")
	d.Alias("org/app", "1.0.0", "1.1.0", "2.0.0")
	if diff := cmp.Diff([]string{"1.0.0", "1.1.0", "2.0.0"}, list(t, d.Image("org/app"))); diff != "" {
		t.Errorf("tags: %s\n%s", diff, d.Output())
	}
	if d.Digest("org/app", "2.0.0") != d.Digest("org/app", "1.0.0") {
		t.Error("an alias has another digest")
	}
}
