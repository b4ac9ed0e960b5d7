//go:build e2emore

package cloud

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// TestFluxSendsTheSameRequests: Flux's own library (fluxcd/pkg/auth) logs in at
// the same stand-ins, by the same requests to the same hosts, with the same
// identity, and gets a login of the same form. Beside them it asks Azure's public
// cloud whether a tenant's authority is one of Azure's, which ours takes from the
// registry's host.
func TestFluxSendsTheSameRequests(t *testing.T) {
	program := parts.Need(t, "fluxauth")
	for name, c := range map[string]struct {
		provider, host string
		prepare        func(*testing.T) *world
	}{
		"ECR by IRSA": {login.AWS, ecrEurope, func(t *testing.T) *world {
			w, aws := newAWS(t)
			aws.AddRole(readerARN, parts.AWSRole{WebIdentity: "projected.token"})
			w.set("AWS_ROLE_ARN", readerARN, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file("projected.token"))
			return w
		}},
		"ECR by keys": {login.AWS, ecrEurope, func(t *testing.T) *world {
			w, aws := newAWS(t)
			w.keys(aws.NewKeys(readerARN))
			return w
		}},
		"ECR Public": {login.AWS, "public.ecr.aws", func(t *testing.T) *world {
			w, aws := newAWS(t)
			w.keys(aws.NewKeys(readerARN))
			aws.NewRegistry("public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com", "us-east-1", true)
			return w
		}},
		"ACR by workload identity": {login.Azure, acrHost, func(t *testing.T) *world {
			w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
			azure.Federate(clientID, "projected.token")
			w.set("AZURE_CLIENT_ID", clientID, "AZURE_TENANT_ID", tenant, "AZURE_FEDERATED_TOKEN_FILE", w.file("projected.token"),
				"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")
			return w
		}},
		"Artifact Registry by federation": {login.GCP, garEurope, func(t *testing.T) *world {
			w, gcp := newGCP(t)
			gcp.Trust(poolOIDC, "projected.token")
			w.set("GOOGLE_APPLICATION_CREDENTIALS", w.file(external(poolOIDC, "urn:ietf:params:oauth:token-type:jwt", `{"file":"`+w.file("projected.token")+`"}`, "")))
			return w
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := c.prepare(t)
			ours, err := w.logins.Registry(t.Context(), login.CloudRequest{Provider: c.provider, Host: c.host, TLS: pinsetter.TLS{CA: w.clouds.CA.PEM}})
			if err != nil {
				t.Fatal(err)
			}
			sent := len(w.clouds.Hosts.All())
			flux := exec.CommandContext(t.Context(), program, c.provider, c.host+"/app")
			flux.Env = append(os.Environ(), "HTTPS_PROXY="+w.clouds.URL, "SSL_CERT_FILE="+w.clouds.File)
			var said bytes.Buffer
			flux.Stderr = &said
			out, err := flux.Output()
			if err != nil {
				t.Fatalf("fluxauth: %v: %s", err, &said)
			}
			if user, password, _ := strings.Cut(strings.TrimSpace(string(out)), " "); user != ours.Username || password == "" {
				t.Errorf("Flux's user is %q, and ours %q", user, ours.Username)
			}
			all := w.clouds.Hosts.All()
			mine, theirs := linesOf(all[:sent]), linesOf(all[sent:])
			if !slices.Equal(mine, theirs) {
				t.Errorf("ours:\n\t%s\nFlux's:\n\t%s", strings.Join(mine, "\n\t"), strings.Join(theirs, "\n\t"))
			}
		})
	}
}

// linesOf returns what counts of requests: where they go, what they ask for, for
// which region and service they are signed, and how they are answered. The
// stand-ins look at the rest.
func linesOf(requests []parts.Request) []string {
	var lines []string
	for _, r := range requests {
		if r.Path == "/common/discovery/instance" {
			continue
		}
		scope := ""
		if _, credential, signed := strings.Cut(r.Header.Get("Authorization"), "Credential="); signed {
			fields := strings.Split(credential, "/")
			scope = strings.Join(fields[2:4], "/")
		}
		lines = append(lines, fmt.Sprintf("%d %s %s%s %s %s", r.Status, r.Method, r.Host, r.Path, r.Header.Get("X-Amz-Target"), scope))
	}
	return lines
}
