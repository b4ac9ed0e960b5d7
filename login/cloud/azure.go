package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azure "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

const (
	// acrScope is of Entra's tokens for registries in all clouds of Azure:
	// https://learn.microsoft.com/azure/container-registry/container-registry-disable-authentication-as-arm.
	acrScope = "https://containerregistry.azure.net/.default"

	// acrUser is the user name beside a token:
	// https://learn.microsoft.com/azure/container-registry/container-registry-authentication.
	acrUser = "00000000-0000-0000-0000-000000000000"

	acrNeeds = "the role AcrPull on the registry, or Container Registry Repository Reader if the registry uses ABAC"
)

// acr logs in to a registry of Azure: it exchanges Entra's token for one of the
// registry.
func (l *Logins) acr(ctx context.Context, host login.CloudHost, r login.CloudRequest) (login.CloudLogin, error) {
	authority := authorityOf(host.Host)
	entra, err := l.entra(ctx, authority, acrScope, r, pinsetter.Secret{})
	if err != nil {
		return login.CloudLogin{}, err
	}
	found, status, err := l.exchangeACR(ctx, host, r, entra)
	if status == http.StatusUnauthorized {
		newer, renewal := l.entra(ctx, authority, acrScope, r, entra.Password)
		if renewal == nil && newer.Password.Reveal() != entra.Password.Reveal() {
			found, _, err = l.exchangeACR(ctx, host, r, newer)
		}
	}
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("as %s: %w", entra.Identity, err)
	}
	return found, nil
}

// exchangeACR asks the registry for its own token, and returns the status of
// its answer:
// https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md.
func (l *Logins) exchangeACR(ctx context.Context, host login.CloudHost, r login.CloudRequest, entra login.CloudLogin) (login.CloudLogin, int, error) {
	client, err := l.client(login.Azure, r, r.TLS)
	if err != nil {
		return login.CloudLogin{}, 0, err
	}
	l.secrets.Keep("entra "+host.Host, entra.Password)
	form := url.Values{"grant_type": {"access_token"}, "service": {host.Host}, "access_token": {entra.Password.Reveal()}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host.Host+"/oauth2/exchange", strings.NewReader(form.Encode()))
	if err != nil {
		return login.CloudLogin{}, 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, _, data, err := exchange(client, request)
	if err != nil {
		return login.CloudLogin{}, 0, err
	}
	if status != http.StatusOK {
		return login.CloudLogin{}, status, fmt.Errorf("exchange Entra's token for one of the registry: %d %s: %s; the identity needs %s",
			status, http.StatusText(status), data[:min(len(data), 300)], acrNeeds)
	}
	token, until, err := readACR(data, l.options.Now())
	if err != nil {
		return login.CloudLogin{}, status, fmt.Errorf("exchange Entra's token for one of the registry: %w", err)
	}
	return login.CloudLogin{
		Username: acrUser, Password: pinsetter.NewSecret("token of "+host.Host, token),
		Identity: entra.Identity, Needs: acrNeeds, Until: until,
	}, status, nil
}

// readACR reads a registry's answer at a time: its token, which counts for an
// hour if it doesn't say for how long.
func readACR(data []byte, now time.Time) (string, time.Time, error) {
	var answer struct {
		Token string `json:"refresh_token"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Token == "" {
		return "", time.Time{}, errors.New("the answer holds none")
	}
	return answer.Token, expiry(answer.Token, now.Add(time.Hour)), nil
}

// expiry returns the end of a JWT's validity, or otherwise if it has none. The
// token is for its receiver: nobody checks it here.
func expiry(token string, otherwise time.Time) time.Time {
	var claims jwt.RegisteredClaims
	_, _, err := jwt.NewParser().ParseUnverified(token, &claims)
	if err != nil || claims.ExpiresAt == nil {
		return otherwise
	}
	return claims.ExpiresAt.Time
}

// authorityOf returns the cloud of Azure that a registry's host belongs to.
func authorityOf(host string) azure.Configuration {
	switch {
	case os.Getenv("AZURE_AUTHORITY_HOST") != "":
		return azure.Configuration{} // the library reads it
	case strings.HasSuffix(host, ".cn"):
		return azure.AzureChina
	case strings.HasSuffix(host, ".us"):
		return azure.AzureGovernment
	}
	return azure.AzurePublic
}

// entra returns Entra's token for a scope. All hosts of a cloud share it.
func (l *Logins) entra(ctx context.Context, authority azure.Configuration, scope string, r login.CloudRequest, refused pinsetter.Secret) (login.CloudLogin, error) {
	key := "entra " + authority.ActiveDirectoryAuthorityHost + " " + scope + proxyKey(r)
	return l.cache.get(ctx, key, refused, func(ctx context.Context) (login.CloudLogin, error) {
		client, err := l.client(login.Azure, r, l.trust)
		if err != nil {
			return login.CloudLogin{}, err
		}
		identity, how, err := azureIdentity(client, authority)
		if err != nil {
			return login.CloudLogin{}, fmt.Errorf("as %s: %w", how, err)
		}
		asked := policy.TokenRequestOptions{Scopes: []string{scope}}
		if _, managed := identity.(*azidentity.ManagedIdentityCredential); managed {
			// The library keeps tokens of managed identities for the life of
			// the process, also refused ones. It asks anew if there are claims,
			// and sends none of them to the metadata service.
			asked.Claims = "{}"
		}
		token, err := identity.GetToken(ctx, asked)
		if err != nil {
			return login.CloudLogin{}, fmt.Errorf("as %s: %w", how, withoutAzure(identity, err))
		}
		return login.CloudLogin{
			Password: pinsetter.NewSecret("token of Entra", token.Token), Identity: how, Until: token.ExpiresOn,
		}, nil
	})
}

// azureIdentity returns the identity of this process, and which that is in
// words for people: of the environment's secret or certificate, of workload
// identity, else the managed one.
func azureIdentity(client *http.Client, authority azure.Configuration) (azcore.TokenCredential, string, error) {
	id := os.Getenv("AZURE_CLIENT_ID")
	options := azcore.ClientOptions{
		Transport: client, Cloud: authority,
		// The default for metadata services waits for minutes.
		Retry: policy.RetryOptions{MaxRetries: 3, RetryDelay: firstPause, MaxRetryDelay: 4 * time.Second},
	}
	switch {
	case os.Getenv("AZURE_CLIENT_SECRET") != "" || os.Getenv("AZURE_CLIENT_CERTIFICATE_PATH") != "":
		found, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
		return found, "client " + id + " (AZURE_CLIENT_ID)", err
	case os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "":
		found, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
		return found, "client " + id + " by workload identity (AZURE_CLIENT_ID)", err
	case id != "":
		found, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options, ID: azidentity.ClientID(id)})
		return found, "the managed identity " + id + " (AZURE_CLIENT_ID)", err
	}
	found, err := azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: options})
	return found, "the managed identity of this machine", err
}

// withoutAzure wraps login.ErrNoIdentity if the error says that there is no
// identity to find: nothing answers as a machine of Azure would, or the machine
// has none. A client id that the machine lacks is another error.
func withoutAzure(identity azcore.TokenCredential, err error) error {
	if _, managed := identity.(*azidentity.ManagedIdentityCredential); !managed {
		return err
	}
	var failed *azidentity.AuthenticationFailedError
	switch {
	case !errors.As(err, &failed):
		return noIdentity{fmt.Sprintf("the machine has no managed identity, or several: give it one, or name one in AZURE_CLIENT_ID, or use workload identity (%v)", err)}
	case failed.RawResponse == nil:
		return noIdentity{fmt.Sprintf("nothing answers at 169.254.169.254 (Azure's metadata service): outside of Azure set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE (%v)", err)}
	}
	return err
}
