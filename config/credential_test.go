package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

func TestCredential(t *testing.T) {
	set := mustLoad(t, object("ImageRepository", "r", `spec:
  image: zot.example/app
  interval: 1m
  serviceAccountName: puller
  credential: {provider: kubernetes, type: jwt, expirationSeconds: 3600, audiences: [zot.example], annotations: {auth.fluxcd.io/username: any}}`))
	access := set.Repositories[0].Access
	want := pinsetter.TokenWanted{Audiences: []string{"zot.example"}, Subject: "system:serviceaccount:default:puller", User: "any"}
	if access.Provider != "kubernetes" || !reflect.DeepEqual(access.Token, want) {
		t.Errorf("access is %+v; want %+v", access, want)
	}
	for name, c := range map[string]struct{ spec, want string }{
		"spiffe":           {"credential: {provider: spiffe, type: jwt}", `spec.credential.provider: "spiffe" is not supported`},
		"x509":             {"credential: {provider: kubernetes, type: x509}", `spec.credential.type: "x509" is not supported`},
		"nothing":          {"credential: {}", "spec.credential.provider: is missing"},
		"unknown field":    {"credential: {provider: kubernetes, type: jwt, audience: a}", "audience"},
		"no number":        {"credential: {provider: kubernetes, type: jwt, expirationSeconds: 1h}", "should be a whole number, without quotes"},
		"cloud":            {"provider: aws, credential: {provider: kubernetes, type: jwt}", "beside provider aws"},
		"secret":           {"secretRef: {name: s}, credential: {provider: kubernetes, type: jwt}", "beside spec.secretRef"},
		"other annotation": {"credential: {provider: kubernetes, type: jwt, annotations: {a: b}}", "a is not supported"},
		"two names":        {"credential: {provider: kubernetes, type: jwt, username: a, annotations: {auth.fluxcd.io/username: b}}", "differ"},
	} {
		t.Run(name, func(t *testing.T) {
			set := loadText(t, object("ImageRepository", "r", "spec: {image: zot.example/app, interval: 1m, "+c.spec+"}"))
			if err := set.Repositories[0].Err; err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}
