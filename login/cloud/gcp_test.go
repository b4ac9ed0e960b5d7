package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

const (
	garEurope = "europe-docker.pkg.dev"
	poolAWS   = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/aws/providers/aws"
	poolOIDC  = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/k8s/providers/k8s"
)

// newGCP returns a world with a registry that has p/r/app:1.0.0.
func newGCP(t *testing.T) (*world, *parts.GCP) {
	t.Helper()
	w := newWorld(t)
	gcp := parts.NewGCP(t, w.clouds)
	gcp.NewRegistry(garEurope).Push("p/r/app", "1.0.0")
	return w, gcp
}

func TestGoogleByTheMetadataServer(t *testing.T) {
	w, gcp := newGCP(t)
	gcp.SetAccount("reader@p.iam.gserviceaccount.com")
	gcp.Busy(2)
	w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
	w.wantTags(garEurope+"/p/r/app", login.GCP)
	if w.slept != 3*time.Second {
		t.Errorf("slept %s; want 3s", w.slept)
	}
	gcp.NewRegistry("gcr.io").Push("p/app", "1.0.0")
	w.wantTags("gcr.io/p/app", login.GCP)
	if n := gcp.Metadata.Log.Count("", "/token"); n != 3 {
		t.Errorf("%d requests for a token; want 2 that were refused and one that serves both registries", n)
	}
}

// external is a file for workload identity federation.
func external(audience, kind, source, impersonate string) string {
	return fmt.Sprintf(`{"type":"external_account","audience":%q,"subject_token_type":%q,"token_url":"https://sts.googleapis.com/v1/token",
		"service_account_impersonation_url":%q,"credential_source":%s}`, audience, kind, impersonate, source)
}

const impersonation = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/reader@p.iam.gserviceaccount.com:generateAccessToken"

func TestGoogleByATokenInAFile(t *testing.T) {
	for _, as := range []string{"", impersonation} {
		w, gcp := newGCP(t)
		gcp.Trust(poolOIDC, "projected.token")
		w.set("GOOGLE_APPLICATION_CREDENTIALS", w.file(external(poolOIDC, "urn:ietf:params:oauth:token-type:jwt", fmt.Sprintf(`{"file":%q}`, w.file("projected.token")), as)))
		w.wantTags(garEurope+"/p/r/app", login.GCP)
		if len(w.asked) > 0 {
			t.Errorf("metadata services were asked: %q", w.asked)
		}
	}
}

const fromAWS = `{"environment_id":"aws1","region_url":"http://169.254.169.254/latest/meta-data/placement/availability-zone",
	"url":"http://169.254.169.254/latest/meta-data/iam/security-credentials","imdsv2_session_token_url":"http://169.254.169.254/latest/api/token",
	"regional_cred_verification_url":"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"}`

func TestGoogleByAnIdentityOfAWS(t *testing.T) {
	w, gcp := newGCP(t)
	k := parts.NewAWS(t, w.clouds).NewKeys(readerARN)
	gcp.TrustAWS(k)
	w.keys(k)
	w.set("AWS_REGION", "eu-west-1", "GOOGLE_APPLICATION_CREDENTIALS",
		w.file(external(poolAWS, "urn:ietf:params:aws:token-type:aws4_request", fromAWS, "")))
	w.wantTags(garEurope+"/p/r/app", login.GCP)
}

func TestGoogleNamesTheMissingRole(t *testing.T) {
	w, gcp := newGCP(t)
	gcp.SetAccount("reader@p.iam.gserviceaccount.com")
	gcp.Deny()
	w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
	w.wantError(garEurope+"/p/r/app", login.GCP, "reader@p.iam.gserviceaccount.com (metadata server)", "roles/artifactregistry.reader", "downloadArtifacts")
	if n := gcp.Metadata.Log.Count("", "/token"); n != 1 {
		t.Errorf("%d tokens were asked for; want 1", n)
	}
}

func TestGoogleErrorsNameTheIdentityAndNoSecret(t *testing.T) {
	w, _ := newGCP(t)
	w.set("GOOGLE_APPLICATION_CREDENTIALS", w.file(external(poolOIDC, "urn:ietf:params:oauth:token-type:jwt", fmt.Sprintf(`{"file":%q}`, w.file("wrong.projected.token")), impersonation)))
	w.wantError(garEurope+"/p/r/app", login.GCP, "reader@p.iam.gserviceaccount.com", "invalid_grant")
	_, err := w.tags(garEurope+"/p/r/app", login.GCP)
	if strings.Contains(err.Error(), "wrong.projected") || errors.Is(err, login.ErrNoIdentity) {
		t.Errorf("error shows the token, or counts as no identity: %v", err)
	}
	t.Run("in an invalid file", func(t *testing.T) {
		w, _ := newGCP(t)
		w.set("GOOGLE_APPLICATION_CREDENTIALS", w.file(`{"type": "service_account", "private_key": "hush"`))
		w.wantError(garEurope+"/p/r/app", login.GCP, "not valid JSON")
	})
}

func TestGoogleWithoutAnIdentity(t *testing.T) {
	w, gcp := newGCP(t)
	w.wantError(garEurope+"/p/r/app", login.GCP, "nothing answers", "GOOGLE_APPLICATION_CREDENTIALS", "no credential helper or entry")
	w.now = w.now.Add(time.Hour)
	w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
	w.wantError(garEurope+"/p/r/app", login.GCP, "the instance has no service account")
	w.now = w.now.Add(time.Hour)
	w.inside["169.254.169.254:80"] = parts.Serve(t, http.NotFoundHandler(), parts.FrontOptions{}).Addr
	w.wantError(garEurope+"/p/r/app", login.GCP, "is no metadata server of Google Cloud")
}

func TestGoogleRenewsATokenBeforeItEnds(t *testing.T) {
	w, gcp := newGCP(t)
	gcp.SetAccount("reader@p.iam.gserviceaccount.com")
	w.inside["169.254.169.254:80"] = gcp.Metadata.Addr
	image := w.image(w.registry(registry.Options{}), garEurope+"/p/r/app", login.GCP)
	for _, age := range []time.Duration{0, 54 * time.Minute, 2 * time.Minute} {
		w.now = w.now.Add(age)
		if _, err := image.Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := gcp.Metadata.Log.Count("", "/token"); n != 2 {
		t.Errorf("%d tokens were asked for; want 2", n)
	}
}
