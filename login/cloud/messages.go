package cloud

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	azure "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

// eventHubScope is of Entra's tokens for Event Hubs:
// https://learn.microsoft.com/azure/event-hubs/authenticate-application.
const eventHubScope = "https://eventhubs.azure.net/.default"

// Messages returns a bearer token for the message service of a cloud: Google
// Pub/Sub or Azure Event Hubs. The request's Host isn't used. If there is a key,
// the JSON of a service account or a user of Google, it is used in place of this
// process' identity. The error says which identity was tried, and wraps
// login.ErrNoIdentity if there is none.
func (l *Logins) Messages(ctx context.Context, r login.CloudRequest, key pinsetter.Secret) (login.CloudLogin, error) {
	var found login.CloudLogin
	var err error
	switch {
	case r.Provider == login.Azure:
		found, err = l.entra(ctx, azure.AzurePublic, eventHubScope, r, r.Refused)
	case r.Provider != login.GCP:
		err = fmt.Errorf("%s has no message service that is known here", r.Provider)
	case key.IsZero():
		found, err = l.cache.get(ctx, login.GCP+" "+proxyKey(r), r.Refused, func(ctx context.Context) (login.CloudLogin, error) {
			return l.gcp(ctx, login.CloudHost{}, r)
		})
	default:
		scope := fmt.Sprintf("%s key %x%s", login.GCP, sha256.Sum256([]byte(key.Reveal())), proxyKey(r))
		found, err = l.cache.get(ctx, scope, r.Refused, func(ctx context.Context) (login.CloudLogin, error) {
			return l.googleKey(ctx, r, key)
		})
	}
	if err != nil {
		return login.CloudLogin{}, l.told(err)
	}
	return found, nil
}

// googleKey logs in with a key out of a Secret. Other kinds of credentials name
// files of this machine and addresses to send them to, which a Secret has no
// business with.
func (l *Logins) googleKey(ctx context.Context, r login.CloudRequest, key pinsetter.Secret) (login.CloudLogin, error) {
	kind := struct {
		Type  google.CredentialsType `json:"type"`
		Email string                 `json:"client_email"`
	}{}
	if err := json.Unmarshal([]byte(key.Reveal()), &kind); err != nil {
		return login.CloudLogin{}, errors.New("the Secret's key token is not the JSON of a Google Cloud key")
	}
	if kind.Type != google.ServiceAccount && kind.Type != google.AuthorizedUser {
		return login.CloudLogin{}, fmt.Errorf("the Secret's key token holds credentials of type %q: take a key of a service account, or leave it out to log in as this process", kind.Type)
	}
	client, err := l.client(login.GCP, r, l.trust)
	if err != nil {
		return login.CloudLogin{}, err
	}
	l.secrets.Keep("google key", key)
	how := pinsetter.Printable(kind.Email) + " (the Secret's key token)"
	found, err := google.CredentialsFromJSONWithType(context.WithValue(ctx, oauth2.HTTPClient, client), []byte(key.Reveal()), kind.Type, googleScope)
	if err != nil {
		return login.CloudLogin{}, errors.New("the Secret's key token is not a usable key of Google Cloud")
	}
	token, err := found.TokenSource.Token()
	if err != nil {
		return login.CloudLogin{}, fmt.Errorf("as %s: ask for a token: %w", how, err)
	}
	return login.CloudLogin{Password: pinsetter.NewSecret("Google Cloud token", token.AccessToken), Identity: how, Until: token.Expiry}, nil
}
