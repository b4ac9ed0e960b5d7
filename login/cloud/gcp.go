package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

const (
	// googleScope is what tokens are asked for. Artifact Registry has no
	// narrower one; what the identity may do is decided by its roles.
	googleScope = "https://www.googleapis.com/auth/cloud-platform"

	// googleUser is the user name beside a token:
	// https://cloud.google.com/artifact-registry/docs/docker/authentication#token.
	googleUser = "oauth2accesstoken"

	googleNeeds = "the role roles/artifactregistry.reader on the repository"
)

// gcp logs in to a registry of Google Cloud.
func (l *Logins) gcp(ctx context.Context, _ login.CloudHost, r login.CloudRequest) (login.CloudLogin, error) {
	token, how, err := l.googleToken(ctx, r)
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("as %s: %w", how, err)
	}
	return login.CloudLogin{
		Username: googleUser, Password: pinsetter.NewSecret("Google Cloud token", token.AccessToken),
		Identity: how, Needs: googleNeeds, Until: token.Expiry,
	}, nil
}

// googleToken returns a token of this process' identity, and in words for
// people which that is. It finds the identity in Google's own order: the file
// that the environment names, the one of gcloud, the metadata server.
func (l *Logins) googleToken(ctx context.Context, r login.CloudRequest) (*oauth2.Token, string, error) {
	client, err := l.client(login.GCP, r, l.trust)
	if err != nil {
		return nil, "this process", err
	}
	file := os.Getenv("GOOGLE_APPLICATION_CREDENTIALS")
	if file == "" {
		if file = gcloudFile(); file == "" {
			return l.googleMetadata(ctx, client)
		}
	}
	how := "the identity in " + file
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, how, fmt.Errorf("read credentials: %w", err)
	}
	kind, who, err := readGoogleFile(data)
	if err != nil {
		return nil, how, fmt.Errorf("read credentials: %w", err)
	}
	if who != "" {
		how = who + " (" + file + ")"
	}
	// A file of the user's own, whose kind may be any that Google knows.
	found, err := google.CredentialsFromJSONWithType(context.WithValue(ctx, oauth2.HTTPClient, client), data,
		google.CredentialsType(kind), googleScope)
	if err != nil {
		return nil, how, fmt.Errorf("read credentials: %w", err)
	}
	token, err := found.TokenSource.Token()
	if err != nil {
		return nil, how, fmt.Errorf("ask for a token: %w", err)
	}
	return token, how, nil
}

// readGoogleFile returns the type of a file of credentials, and the account that
// it names, "" if it names none.
func readGoogleFile(data []byte) (kind, who string, err error) {
	var file struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
		Acts  string `json:"service_account_impersonation_url"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return "", "", errors.New("not valid JSON")
	}
	return file.Type, pinsetter.Printable(cmp.Or(file.Email, actsAs(file.Acts))), nil
}

// actsAs returns the service account in the URL of an impersonation.
func actsAs(u string) string {
	name, _ := strings.CutSuffix(u[strings.LastIndexByte(u, '/')+1:], ":generateAccessToken")
	return name
}

// gcloudFile returns the path of gcloud's application default credentials, ""
// if there are none.
func gcloudFile() string {
	folder := os.Getenv("CLOUDSDK_CONFIG")
	if folder == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".config", "gcloud")
	}
	file := filepath.Join(folder, "application_default_credentials.json")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// googleAccount is the path of the account of an instance or a pod:
// https://cloud.google.com/compute/docs/access/authenticate-workloads#applications.
const googleAccount = "/computeMetadata/v1/instance/service-accounts/default/"

// googleMetadata asks the metadata server for a token and whose it is. The
// library of oauth2 would ask with a client of its own.
func (l *Logins) googleMetadata(ctx context.Context, client *http.Client) (*oauth2.Token, string, error) {
	const how = "the service account of this instance or pod (metadata server)"
	host := cmp.Or(os.Getenv("GCE_METADATA_HOST"), "169.254.169.254")
	at := l.options.Now()
	data, err := l.askGoogle(ctx, client, "http://"+host+googleAccount+"token")
	if err != nil {
		return nil, how, err
	}
	token, err := readGoogleToken(data, at)
	if err != nil {
		return nil, how, err
	}
	email, err := l.askGoogle(ctx, client, "http://"+host+googleAccount+"email")
	if err != nil || len(email) == 0 {
		return token, how, nil // it has a token, and only its name is unknown
	}
	return token, pinsetter.Printable(string(email)) + " (metadata server)", nil
}

// readGoogleToken reads the metadata server's answer to a request at a time.
func readGoogleToken(data []byte, at time.Time) (*oauth2.Token, error) {
	var answer struct {
		Token   string  `json:"access_token"`
		Expires float64 `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Token == "" {
		return nil, errors.New("the metadata server's answer holds no token")
	}
	life := time.Duration(min(max(answer.Expires, 0), longest.Seconds())) * time.Second
	return &oauth2.Token{AccessToken: answer.Token, Expiry: at.Add(life)}, nil
}

// askGoogle asks the metadata server, again if it is overloaded.
func (l *Logins) askGoogle(ctx context.Context, client *http.Client, u string) ([]byte, error) {
	for try := 1; ; try++ {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Metadata-Flavor", "Google")
		status, header, data, err := exchange(client, request)
		switch {
		case err != nil:
			return nil, noIdentity{fmt.Sprintf("nothing answers at 169.254.169.254 (Google's metadata server): outside of Google Cloud name a file in GOOGLE_APPLICATION_CREDENTIALS, such as one for workload identity federation (%v)", err)}
		case header.Get("Metadata-Flavor") != "Google":
			return nil, noIdentity{fmt.Sprintf("%s is no metadata server of Google Cloud", request.URL.Host)}
		case status == http.StatusOK:
			return data, nil
		case status == http.StatusNotFound:
			return nil, noIdentity{"the instance has no service account: give it one, or use Workload Identity Federation for GKE"}
		case try == tries || status != http.StatusTooManyRequests && status < 500:
			return nil, fmt.Errorf("the metadata server answers %d %s: %s", status, http.StatusText(status), data[:min(len(data), 200)])
		}
		if err := l.options.Sleep(ctx, firstPause<<(try-1)); err != nil {
			return nil, err
		}
	}
}
