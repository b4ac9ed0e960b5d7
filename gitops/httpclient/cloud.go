package httpclient

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops/address"
	"github.com/pinsetter/pinsetter/gitops/refusal"
	"github.com/pinsetter/pinsetter/login"
)

// byCloud returns a transport that logs in to u as the identity that the cloud
// of src gives to this process, and a description of that login.
func byCloud(u *url.URL, src *fleet.GitSource, logins CloudLogins, secrets *login.Scrubber, base http.RoundTripper) (http.RoundTripper, refusal.Sent, error) {
	switch {
	case logins == nil:
		return nil, refusal.Sent{}, fmt.Errorf("no way to log in with provider %s was given", src.Provider)
	case u.Scheme != "https":
		return nil, refusal.Sent{}, fmt.Errorf("the login of provider %s would be shown by plain http: use https", src.Provider)
	}
	t := &cloudTransport{inner: base, url: address.Redacted(u), logins: logins, secrets: secrets,
		request: login.CloudRequest{Provider: src.Provider, Host: u.Host, Proxy: src.Auth.Proxy}}
	return t, refusal.Sent{What: "the identity of provider " + src.Provider, Mend: ": " + login.GitNeeds[src.Provider]}, nil
}

// cloudTransport adds the login of a cloud to requests to one origin. If the
// server refuses it, a request without a body is sent once more with a newer
// one, if there is one.
type cloudTransport struct {
	inner   http.RoundTripper
	url     *url.URL
	logins  CloudLogins
	request login.CloudRequest
	secrets *login.Scrubber
}

// RoundTrip sends the request.
func (t *cloudTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if pinsetter.OriginOf(request.URL) != pinsetter.OriginOf(t.url) {
		return t.inner.RoundTrip(request) // a login goes to no other origin
	}
	response, used, err := t.send(request, pinsetter.Secret{})
	denied := err == nil && (response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden)
	if !denied || request.Body != nil && request.Body != http.NoBody {
		return response, err
	}
	newer, err := t.login(request.Context(), used)
	if err != nil || newer.Password.Reveal() == used.Reveal() {
		return response, nil // the refusal says more than a failed renewal
	}
	_ = response.Body.Close()
	response, _, err = t.send(request, used)
	return response, err
}

// send sends the request with a login, and returns its password.
func (t *cloudTransport) send(request *http.Request, refused pinsetter.Secret) (*http.Response, pinsetter.Secret, error) {
	found, err := t.login(request.Context(), refused)
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, pinsetter.Secret{}, err
	}
	header := "Bearer " + found.Password.Reveal()
	if found.Username != "" {
		header = "Basic " + base64.StdEncoding.EncodeToString([]byte(found.Username+":"+found.Password.Reveal()))
	}
	copied := request.Clone(request.Context())
	copied.Header.Set("Authorization", header)
	response, err := t.inner.RoundTrip(copied)
	return response, found.Password, err
}

// login asks for a login, and gives its secrets to the scrubber.
func (t *cloudTransport) login(ctx context.Context, refused pinsetter.Secret) (login.CloudLogin, error) {
	r := t.request
	r.Refused = refused
	found, err := t.logins(ctx, r, t.url)
	if errors.Is(err, login.ErrNoIdentity) {
		return found, fmt.Errorf("%w; outside of the cloud give a secretRef with a token, and leave provider %s out", err, r.Provider)
	}
	if err == nil {
		t.secrets.Keep("login", append(login.SentAs(found.Username, found.Password), found.Password)...)
	}
	return found, err
}
