package config

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/spec"
)

// TestProviderBesideSecrets: beside a provider an ImageRepository's Secrets are
// ignored, and those of an OCIRepository win, as in Flux: its keychain method
// and what its reconcileSource does if that is anonymous (source-controller,
// ocirepository_controller.go).
func TestProviderBesideSecrets(t *testing.T) {
	pull := &spec.LocalObjectReference{Name: "pull"}
	for name, c := range map[string]struct {
		fields    registryFields
		provider  string
		documents int
		said      string // "": nothing
	}{
		"image":                         {registryFields{provider: "aws"}, "aws", 0, ""},
		"image, secret":                 {registryFields{provider: "aws", secretRef: pull}, "aws", 0, "spec.secretRef: is ignored beside provider aws"},
		"image, account":                {registryFields{provider: "aws", serviceAccountName: "puller"}, "aws", 0, "asks a cluster for a token"},
		"image, generic":                {registryFields{provider: "generic", secretRef: pull, serviceAccountName: "puller"}, "", 2, ""},
		"unknown":                       {registryFields{provider: "oracle"}, "", 0, `"oracle" is not a provider`},
		"artifact":                      {registryFields{provider: "gcp", secretWins: true}, "gcp", 0, ""},
		"artifact, secret":              {registryFields{provider: "gcp", secretRef: pull, secretWins: true}, "", 1, "spec.provider: gcp is ignored beside spec.secretRef"},
		"artifact, account":             {registryFields{provider: "gcp", serviceAccountName: "puller", secretWins: true}, "", 1, "spec.provider: gcp is ignored beside the imagePullSecrets of ServiceAccount default/puller"},
		"artifact, account without any": {registryFields{provider: "gcp", serviceAccountName: "bare", secretWins: true}, "gcp", 0, "asks a cluster for a token"},
		"artifact, account not given":   {registryFields{provider: "gcp", serviceAccountName: "other", secretWins: true}, "gcp", 0, "asks a cluster for a token"},
		"artifact, both":                {registryFields{provider: "gcp", secretRef: pull, serviceAccountName: "puller", secretWins: true}, "", 2, "ignored beside spec.secretRef"},
	} {
		t.Run(name, func(t *testing.T) {
			named := func(kind, name string) *index.Object {
				return &index.Object{Kind: kind, Name: pinsetter.Name{Namespace: "default", Name: name}}
			}
			l := &loader{opts: Options{Namespace: "default"}, Index: index.New(index.Options{})}
			l.vault = newVault(l.Index, l.opts)
			held := named(claim.KindSecret, "pull")
			l.secrets = map[pinsetter.Name]*givenSecret{held.Name: {Object: held, content: &secret.Content{
				Name: held.Name, Type: "kubernetes.io/dockerconfigjson", Text: map[string]string{".dockerconfigjson": `{"auths":{"registry.example":{"auth":"YTpi"}}}`},
			}}}
			puller, bare := named(claim.KindServiceAccount, "puller"), named(claim.KindServiceAccount, "bare")
			l.accounts = map[pinsetter.Name]*account{puller.Name: {puller, []spec.LocalObjectReference{*pull}}, bare.Name: {Object: bare}}

			o := named(claim.KindImageRepository, "app")
			d := l.decoder(o)
			d.registry(c.fields)
			access := l.registryAccess(o, c.fields)
			if access.Provider != c.provider || len(access.DockerConfigs) != c.documents {
				t.Errorf("provider %q and %d documents; want %q and %d", access.Provider, len(access.DockerConfigs), c.provider, c.documents)
			}
			switch {
			case c.said == "" && len(o.Findings) > 0, c.said != "" && (len(o.Findings) != 1 || !strings.Contains(o.Findings[0].Message, c.said)):
				t.Errorf("findings are %v; want %q", o.Findings, c.said)
			}
		})
	}
}
