package cloud

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// messages asks for a token of a message service.
func (w *world) messages(provider, key string) (login.CloudLogin, error) {
	r := login.CloudRequest{Provider: provider, Proxy: &pinsetter.Proxy{Address: w.clouds.URL}}
	return w.logins.Messages(w.t.Context(), r, pinsetter.NewSecret("Secret", key))
}

func TestMessagesByThisProcess(t *testing.T) {
	w := newWorld(t)
	gcp, azure := parts.NewGCP(t, w.clouds), parts.NewAzureCloud(t, w.clouds, "login.microsoftonline.com", tenant)
	gcp.SetAccount("sender@p.iam.gserviceaccount.com")
	w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
	found, err := w.messages(login.GCP, "")
	if err != nil || !gcp.Knows(found.Password.Reveal()) {
		t.Errorf("Google: %v, %v", found, err)
	}
	azure.Assign("")
	w.inside["169.254.169.254:80"] = azure.IMDS.Addr
	found, err = w.messages(login.Azure, "")
	if got := azure.Resource(found.Password.Reveal()); err != nil || got != "https://eventhubs.azure.net" {
		t.Errorf("Azure: a token for %q, %v", got, err)
	}
	w.inside = map[string]string{}
	if _, err := newWorld(t).messages(login.GCP, ""); !errors.Is(err, login.ErrNoIdentity) {
		t.Errorf("outside of the cloud: %v", err)
	}
}

// A key is exchanged once, and no other kind of credentials is taken out of a
// Secret.
func TestMessagesByAKey(t *testing.T) {
	w := newWorld(t)
	gcp := parts.NewGCP(t, w.clouds)
	key := gcp.NewKey("sender@p.iam.gserviceaccount.com")
	first, err := w.messages(login.GCP, key)
	if err != nil || !gcp.Knows(first.Password.Reveal()) {
		t.Fatalf("%v, %v", first, err)
	}
	if second, err := w.messages(login.GCP, key); err != nil || second.Password.Reveal() != first.Password.Reveal() {
		t.Errorf("asked again: %v", err)
	}
	if len(w.asked) > 0 {
		t.Errorf("metadata services were asked: %q", w.asked)
	}
	for name, test := range map[string]struct{ key, want string }{
		"another key":    {strings.Replace(gcp.NewKey("other@p.iam.gserviceaccount.com"), "other@", "sender@", 1), "Invalid JWT Signature"},
		"federation":     {external(poolOIDC, "urn:ietf:params:oauth:token-type:jwt", `{"file":"/etc/passwd"}`, ""), `type "external_account"`},
		"no JSON":        {"hunter2", "not the JSON of a Google Cloud key"},
		"broken":         {`{"type":"service_account","private_key":"hunter2"}`, "key"},
		"no type at all": {`{"private_key":"hunter2"}`, `type ""`},
	} {
		_, err := w.messages(login.GCP, test.key)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if _, err := w.messages(login.AWS, ""); err == nil {
		t.Error("AWS has a message service")
	}
}
