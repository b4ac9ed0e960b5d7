package cloud

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// repository returns a repository with one file.
func (w *world) repository() *parts.Repository {
	w.t.Helper()
	parts.Need(w.t, "git")
	return parts.NewGit(w.t, parts.GitOptions{}).NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"a.yaml": "a: 1\n"}}})
}

// push fetches the branch main at a URL, writes a commit and pushes it.
func (w *world) push(provider, u string) error {
	w.t.Helper()
	remote, err := gitops.Open(&fleet.GitSource{URL: u, Provider: provider, Auth: fleet.GitAuth{
		TLS: pinsetter.TLS{CA: w.clouds.CA.PEM}, Proxy: &pinsetter.Proxy{Address: w.clouds.URL},
	}}, gitops.Options{Clouds: w.logins.Git})
	if err != nil {
		return err
	}
	fetched, err := remote.Fetch(w.t.Context(), fleet.GitRef{Branch: "main"})
	if err != nil {
		return err
	}
	next, err := fetched.Base.Commit(gitops.Commit{
		Files: map[string][]byte{"a.yaml": []byte("a: 2\n")}, Message: "update", Author: gitops.Signature{Name: "bot", Email: "bot@example.com"}, When: time.Now(),
	})
	if err != nil {
		return err
	}
	_, err = remote.Push(w.t.Context(), gitops.Push{Snapshot: next, Branch: "main", Lease: fetched.Base.Hash()})
	return err
}

func TestPushToAzureDevOps(t *testing.T) {
	w := newWorld(t)
	azure := parts.NewAzureCloud(t, w.clouds, "login.microsoftonline.com", tenant)
	azure.Federate(clientID, "projected.token")
	repository := w.repository()
	azure.ServeGit("/org/p/_git/fleet", repository)
	w.set("AZURE_CLIENT_ID", clientID, "AZURE_TENANT_ID", tenant, "AZURE_FEDERATED_TOKEN_FILE", w.file("projected.token"))
	for range 2 {
		if err := w.push(login.Azure, "https://dev.azure.com/org/p/_git/fleet"); err != nil {
			t.Fatal(err)
		}
		if got := repository.File("main", "a.yaml"); got != "a: 2\n" {
			t.Errorf("a.yaml is %q", got)
		}
		repository.CommitFile("main", "a.yaml", "a: 1\n", "")
		azure.Revoke() // a token that ends before its time is renewed
		w.now = w.now.Add(5 * time.Minute)
	}
}

func TestPushToCodeCommit(t *testing.T) {
	w := newWorld(t)
	aws := parts.NewAWS(t, w.clouds)
	aws.SetNode(readerARN)
	w.inside["169.254.169.254:80"] = aws.IMDS.Addr
	repository := w.repository()
	aws.ServeGit("eu-west-1", "/v1/repos/fleet", repository)
	if err := w.push(login.AWS, "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/fleet"); err != nil {
		t.Fatal(err)
	}
	if got := repository.File("main", "a.yaml"); got != "a: 2\n" {
		t.Errorf("a.yaml is %q", got)
	}
}

func TestPushToSecureSourceManager(t *testing.T) {
	w := newWorld(t)
	gcp := parts.NewGCP(t, w.clouds)
	gcp.SetAccount("writer@p.iam.gserviceaccount.com")
	w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
	repository := w.repository()
	gcp.ServeGit("sdlc-123-git.us-central1.sourcemanager.dev", "/p/fleet.git", repository)
	if err := w.push(login.GCP, "https://sdlc-123-git.us-central1.sourcemanager.dev/p/fleet.git"); err != nil {
		t.Fatal(err)
	}
	if got := repository.File("main", "a.yaml"); got != "a: 2\n" {
		t.Errorf("a.yaml is %q", got)
	}
}

func TestARefusedPushNamesWhatTheIdentityNeeds(t *testing.T) {
	w := newWorld(t)
	azure := parts.NewAzureCloud(t, w.clouds, "login.microsoftonline.com", tenant)
	azure.Assign("")
	w.inside["169.254.169.254:80"] = azure.IMDS.Addr
	parts.NewGCP(t, w.clouds).ServeGit("dev.azure.com", "/org/p/_git/fleet", w.repository()) // trusts another issuer
	err := w.push(login.Azure, "https://dev.azure.com/org/p/_git/fleet")
	if err == nil || !strings.Contains(err.Error(), "the identity of provider azure were refused") && !strings.Contains(err.Error(), "must be a user of the organization") {
		t.Errorf("error is %v", err)
	}
}

func TestAGitLoginGoesToNoOtherHost(t *testing.T) {
	w := newWorld(t)
	for provider, addresses := range map[string][]string{
		login.Azure: {"https://dev.azure.com.evil.example/o/p/_git/r", "https://evil.example/o", "http://dev.azure.com/o/p/_git/r", "https://dev.azure.com:8443/o/p/_git/r", "https://x.y.visualstudio.com/p"},
		login.AWS:   {"https://git-codecommit.eu-west-1.amazonaws.com.evil.example/v1/repos/r", "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/r/x", "https://codecommit.eu-west-1.amazonaws.com/v1/repos/r"},
		login.GCP:   {"https://a-1-git.us-central1.sourcemanager.dev.evil.example/p/r", "https://sourcemanager.dev/p/r"},
	} {
		for _, address := range addresses {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.logins.Git(t.Context(), login.CloudRequest{Provider: provider}, u); err == nil || !strings.Contains(err.Error(), "no repository of provider") {
				t.Errorf("%s: %v; want it refused", address, err)
			}
		}
	}
	if len(w.asked) > 0 {
		t.Errorf("metadata services were asked: %q", w.asked)
	}
}
