//go:build e2emore

package cloud

import (
	"bytes"
	"cmp"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// fluxCase is a login that Flux's own library (fluxcd/pkg/auth) is asked for too.
type fluxCase struct {
	provider, at string // a registry's host, or a repository's URL
	prepare      func(*testing.T) (*world, *parts.Front)
	env          func(*parts.Front) string // of Flux; nil: http requests go to the metadata service as to a proxy
}

// nowhere prepares a world in which no metadata service is asked.
func nowhere(w *world) (*world, *parts.Front) { return w, nil }

// TestFluxSendsTheSameRequests: Flux's own library logs in at the same stand-ins,
// metadata services among them, by the same requests to the same hosts, with the
// same identity, and gets a login of the same form. Beside them it asks Azure's
// public cloud whether a tenant's authority is one of Azure's, which ours takes
// from the registry's host, and Google's metadata server for the project; ours
// asks there whose the token is, for people, and for no scopes: the token has all
// that the instance has. Secure Source Manager isn't compared: Flux's library has
// no login to it.
func TestFluxSendsTheSameRequests(t *testing.T) {
	program := parts.Need(t, "fluxauth")
	for name, c := range map[string]fluxCase{
		"ECR by IRSA": {provider: login.AWS, at: ecrEurope, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, aws := newAWS(t)
			aws.AddRole(readerARN, parts.AWSRole{WebIdentity: "projected.token"})
			w.set("AWS_ROLE_ARN", readerARN, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file("projected.token"))
			return nowhere(w)
		}},
		"ECR by keys": {provider: login.AWS, at: ecrEurope, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, aws := newAWS(t)
			w.keys(aws.NewKeys(readerARN))
			return nowhere(w)
		}},
		"ECR by the node's role": {provider: login.AWS, at: ecrEurope, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, aws := newAWS(t)
			aws.SetNode(readerARN)
			w.inside["169.254.169.254:80"] = aws.IMDS.Addr
			return w, &aws.IMDS
		}},
		"ECR by EKS Pod Identity": {provider: login.AWS, at: ecrEurope, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, aws := newAWS(t)
			aws.AddRole(readerARN, parts.AWSRole{Agent: "pod.token"})
			w.inside["169.254.170.23:80"] = aws.PodIdentity.Addr
			w.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials",
				"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", w.file("pod.token"))
			return w, &aws.PodIdentity
		}},
		"ECR Public": {provider: login.AWS, at: "public.ecr.aws", prepare: func(t *testing.T) (*world, *parts.Front) {
			w, aws := newAWS(t)
			w.keys(aws.NewKeys(readerARN))
			aws.NewRegistry("public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com", "us-east-1", true)
			return nowhere(w)
		}},
		"ACR by workload identity": {provider: login.Azure, at: acrHost, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
			w.federated(azure)
			return nowhere(w)
		}},
		"ACR by the managed identity": {provider: login.Azure, at: acrHost, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
			azure.Assign(clientID)
			w.set("AZURE_CLIENT_ID", clientID)
			w.inside["169.254.169.254:80"] = azure.IMDS.Addr
			return w, &azure.IMDS
		}},
		"Artifact Registry by federation": {provider: login.GCP, at: garEurope, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, gcp := newGCP(t)
			gcp.Trust(poolOIDC, "projected.token")
			w.set("GOOGLE_APPLICATION_CREDENTIALS", w.file(external(poolOIDC, "urn:ietf:params:oauth:token-type:jwt", `{"file":"`+w.file("projected.token")+`"}`, "")))
			return nowhere(w)
		}},
		"Artifact Registry by the metadata server": {provider: login.GCP, at: garEurope, prepare: func(t *testing.T) (*world, *parts.Front) {
			w, gcp := newGCP(t)
			gcp.SetAccount("reader@p.iam.gserviceaccount.com")
			w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
			return w, &gcp.Metadata
		}, env: func(f *parts.Front) string { return "GCE_METADATA_HOST=" + f.Addr }}, // Google's library asks it without a proxy
		"Azure DevOps": {provider: login.Azure, at: "https://dev.azure.com/org/p/_git/fleet", prepare: func(t *testing.T) (*world, *parts.Front) {
			w := newWorld(t)
			azure := parts.NewAzureCloud(t, w.clouds, "login.microsoftonline.com", tenant)
			azure.ServeGit("/org/p/_git/fleet", w.repository())
			w.federated(azure)
			return nowhere(w)
		}},
		"CodeCommit": {provider: login.AWS, at: "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/fleet", prepare: func(t *testing.T) (*world, *parts.Front) {
			w := newWorld(t)
			aws := parts.NewAWS(t, w.clouds)
			aws.SetNode(readerARN)
			aws.ServeGit("eu-west-1", "/v1/repos/fleet", w.repository())
			w.inside["169.254.169.254:80"] = aws.IMDS.Addr
			return w, &aws.IMDS
		}},
	} {
		t.Run(name, func(t *testing.T) { c.judge(t, program) })
	}
}

// federated gives this process an identity of Azure by workload identity.
func (w *world) federated(azure *parts.AzureCloud) {
	azure.Federate(clientID, "projected.token")
	w.set("AZURE_CLIENT_ID", clientID, "AZURE_TENANT_ID", tenant, "AZURE_FEDERATED_TOKEN_FILE", w.file("projected.token"),
		"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")
}

// judge logs in as ours does, and as Flux does, and compares.
func (c fluxCase) judge(t *testing.T, program string) {
	w, service := c.prepare(t)
	ours, err := c.ours(w)
	if err != nil {
		t.Fatal(err)
	}
	mine := w.taken(service)
	flux := exec.CommandContext(t.Context(), program, c.provider, c.asFlux())
	flux.Env = append(os.Environ(), "HTTPS_PROXY="+w.clouds.URL, "SSL_CERT_FILE="+w.clouds.File)
	if service != nil {
		at := "HTTP_PROXY=" + service.URL
		if c.env != nil {
			at = c.env(service)
		}
		flux.Env = append(flux.Env, at)
	}
	var said bytes.Buffer
	flux.Stderr = &said
	out, err := flux.Output()
	if err != nil {
		t.Fatalf("fluxauth: %v: %s", err, &said)
	}
	if theirs := w.taken(service); !slices.Equal(mine, theirs) {
		t.Errorf("ours:\n\t%s\nFlux's:\n\t%s", strings.Join(mine, "\n\t"), strings.Join(theirs, "\n\t"))
	}
	user, password, pair := strings.Cut(strings.TrimSpace(string(out)), " ")
	if !pair {
		user, password = "", user
	}
	// A role's session has another key each time.
	if sameUser := user == ours.Username || strings.HasPrefix(user, "ASIA") && strings.HasPrefix(ours.Username, "ASIA"); !sameUser || password == "" {
		t.Errorf("Flux's user is %q, and ours %q", user, ours.Username)
	}
	if !strings.Contains(c.at, "://") {
		return
	}
	for _, with := range [][2]string{{ours.Username, ours.Password.Reveal()}, {user, password}} {
		if status := w.refs(c.at, with[0], with[1]); status != http.StatusOK {
			t.Errorf("the repository answers %d to user %q", status, with[0])
		}
	}
}

// asFlux returns the argument of fluxauth.
func (c fluxCase) asFlux() string {
	if strings.Contains(c.at, "://") {
		return c.at
	}
	return c.at + "/app"
}

// ours returns the login of ours.
func (c fluxCase) ours(w *world) (login.CloudLogin, error) {
	request := login.CloudRequest{Provider: c.provider, Host: c.at, TLS: pinsetter.TLS{CA: w.clouds.CA.PEM}}
	if !strings.Contains(c.at, "://") {
		return w.logins.Registry(w.t.Context(), request)
	}
	u, err := url.Parse(c.at)
	if err != nil {
		return login.CloudLogin{}, err
	}
	return w.logins.Git(w.t.Context(), request, u)
}

// refs asks a repository for its branches, with a bearer token if there is no
// user, and returns the status of the answer.
func (w *world) refs(at, user, password string) int {
	w.t.Helper()
	client, err := w.logins.client(login.AWS, login.CloudRequest{}, w.logins.trust)
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, at+"/info/refs?service=git-upload-pack", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	request.SetBasicAuth(user, password)
	if user == "" {
		request.Header.Set("Authorization", "Bearer "+password)
	}
	response, err := client.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// taken returns what counts of the requests since the last call: where they go,
// what they ask for, for which region and service they are signed, and how they
// are answered. The stand-ins look at the rest.
func (w *world) taken(service *parts.Front) []string {
	lines := linesOf("", w.clouds.Hosts)
	if service != nil {
		lines = append(lines, linesOf("metadata", service.Log)...)
	}
	return lines
}

// aside are the requests that only one of the two libraries makes.
var aside = []string{"/common/discovery/instance", "/computeMetadata/v1/project/project-id", googleAccount + "email"}

// linesOf empties a log. The requests are those to a host; "": to that which they
// name.
func linesOf(host string, log *parts.Log) []string {
	var lines []string
	for _, r := range log.All() {
		if slices.Contains(aside, r.Path) {
			continue
		}
		scope := ""
		if _, credential, signed := strings.Cut(r.Header.Get("Authorization"), "Credential="); signed {
			fields := strings.Split(credential, "/")
			scope = strings.Join(fields[2:4], "/")
		}
		lines = append(lines, strings.Join([]string{strconv.Itoa(r.Status), r.Method, cmp.Or(host, r.Host) + r.Path,
			r.Query.Get("resource"), r.Query.Get("client_id"), r.Header.Get("X-Amz-Target"), scope}, " "))
	}
	log.Reset()
	return lines
}
