package cloud

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

const (
	acrHost  = "team.azurecr.io"
	tenant   = "11111111-1111-1111-1111-111111111111"
	clientID = "22222222-2222-2222-2222-222222222222"
)

// newAzure returns a world with a registry that has app:1.0.0.
func newAzure(t *testing.T, host, authority string) (*world, *parts.AzureCloud) {
	t.Helper()
	w := newWorld(t)
	azure := parts.NewAzureCloud(t, w.clouds, authority, tenant)
	azure.NewRegistry(host).Push("app", "1.0.0")
	return w, azure
}

func TestAzureByTheManagedIdentity(t *testing.T) {
	for _, id := range []string{"", clientID} {
		w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
		azure.Assign(id)
		w.set("AZURE_CLIENT_ID", id)
		w.inside["169.254.169.254:80"] = azure.IMDS.Addr
		w.wantTags(acrHost+"/app", login.Azure)
	}
}

func TestAzureByWorkloadIdentityInEveryCloud(t *testing.T) {
	for host, authority := range map[string]string{
		acrHost: "login.microsoftonline.com", "team.azurecr.cn": "login.chinacloudapi.cn", "team.azurecr.us": "login.microsoftonline.us",
	} {
		w, azure := newAzure(t, host, authority)
		azure.Federate(clientID, "projected.token")
		w.set("AZURE_CLIENT_ID", clientID, "AZURE_TENANT_ID", tenant, "AZURE_FEDERATED_TOKEN_FILE", w.file("projected.token"))
		w.wantTags(host+"/app", login.Azure)
		if len(w.asked) > 0 {
			t.Errorf("metadata services were asked: %q", w.asked)
		}
	}
}

// Registries share Entra's token, and images of one share the registry's.
func TestAzureAsksOnce(t *testing.T) {
	w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
	other := azure.NewRegistry("other.azurecr.io")
	azure.Assign("")
	w.inside["169.254.169.254:80"] = azure.IMDS.Addr
	r := w.registry(registry.Options{})
	for _, name := range []string{"a", "b", "c"} {
		other.Push(name, "1.0.0")
		if _, err := w.image(r, "other.azurecr.io/"+name, login.Azure).Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.wantTags(acrHost+"/app", login.Azure)
	if n := azure.IMDS.Log.Count("", ""); n != 1 {
		t.Errorf("%d tokens of Entra; want 1", n)
	}
	if n := w.clouds.Count("other.azurecr.io", "/oauth2/exchange"); n != 1 {
		t.Errorf("%d tokens of the registry; want 1", n)
	}
}

// If the registry refuses its own token, and then Entra's, both are renewed.
func TestAzureRenewsARefusedToken(t *testing.T) {
	w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
	azure.Assign("")
	w.inside["169.254.169.254:80"] = azure.IMDS.Addr
	image := w.image(w.registry(registry.Options{}), acrHost+"/app", login.Azure)
	for range 2 {
		if _, err := image.Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
		azure.Revoke()
		w.now = w.now.Add(10 * time.Minute)
	}
	if n := w.clouds.Count(acrHost, "/oauth2/exchange"); n != 3 {
		t.Errorf("%d exchanges; want one for each of two tokens, and one with a refused token of Entra", n)
	}
}

func TestAzureNamesTheMissingRole(t *testing.T) {
	w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
	azure.Assign(clientID)
	azure.Deny()
	w.set("AZURE_CLIENT_ID", clientID)
	w.inside["169.254.169.254:80"] = azure.IMDS.Addr
	w.wantError(acrHost+"/app", login.Azure, "the managed identity "+clientID, "403 Forbidden", "AcrPull")
}

func TestAzureErrorsNameTheIdentityAndNoSecret(t *testing.T) {
	w, _ := newAzure(t, acrHost, "login.microsoftonline.com")
	w.set("AZURE_CLIENT_ID", clientID, "AZURE_TENANT_ID", tenant, "AZURE_FEDERATED_TOKEN_FILE", w.file("wrong.projected.token"))
	w.wantError(acrHost+"/app", login.Azure, clientID+" by workload identity", "AADSTS700213")
	_, err := w.tags(acrHost+"/app", login.Azure)
	if strings.Contains(err.Error(), "wrong.projected") || errors.Is(err, login.ErrNoIdentity) {
		t.Errorf("error shows the token, or counts as no identity: %v", err)
	}
}

// A cloud that repeats what it was sent doesn't make it show.
func TestErrorsShowNoTokenThatACloudRepeats(t *testing.T) {
	l := New(Options{})
	err := l.told(errors.New("invalid_grant: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl is unknown, ya29.a0Af-x_y too"))
	if got := strings.TrimSpace(err.Error()); got != "invalid_grant: [token] is unknown, [token] too" {
		t.Errorf("error is %q", got)
	}
}

func TestAzureWithoutAnIdentity(t *testing.T) {
	w, azure := newAzure(t, acrHost, "login.microsoftonline.com")
	w.inside["169.254.169.254:80"] = azure.IMDS.Addr
	w.wantError(acrHost+"/app", login.Azure, "no managed identity, or several", "AZURE_CLIENT_ID", "no credential helper or entry")
	w.set("AZURE_CLIENT_ID", clientID)
	w.now = w.now.Add(time.Hour)
	_, err := w.tags(acrHost+"/app", login.Azure)
	if errors.Is(err, login.ErrNoIdentity) || !strings.Contains(err.Error(), clientID) {
		t.Errorf("a client id that the machine lacks counts as no identity: %v", err)
	}
}

func TestAzureOutsideOfAzure(t *testing.T) {
	w, _ := newAzure(t, acrHost, "login.microsoftonline.com")
	w.wantError(acrHost+"/app", login.Azure, "nothing answers", "AZURE_FEDERATED_TOKEN_FILE")
}
