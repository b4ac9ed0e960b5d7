package registry

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
)

const (
	// tokenLife is the validity of a token if its server doesn't say
	// (https://distribution.github.io/distribution/spec/auth/token/).
	tokenLife = time.Minute

	// longestTokenLife bounds what a server may say.
	longestTokenLife = 24 * time.Hour

	// maxToken bounds the answer of a token server. Tokens with many scopes are
	// a few KiB.
	maxToken = 64 << 10
)

// tokens gets tokens for a repository from token servers.
type tokens struct {
	*reporter
	write     bool     // ask for the right to push
	mountFrom []string // repositories to mount blobs from
}

// token exchanges the credential for a token for the repository. It asks
// once for each scope and credential while the token is valid.
func (t *tokens) token(ctx context.Context, at endpoint, asked challenge, c credential) (string, error) {
	r := t.registry
	token, err := once(ctx, r, t.key(at, asked, c), "a token from "+pinsetter.Quote(asked.parameters["realm"]), func(ctx context.Context) (string, time.Time, error) {
		began := r.options.Now()
		token, life, err := t.exchange(ctx, at, asked, c)
		// Keep a tenth for clock differences and the way there.
		return token, began.Add(life - life/10), err
	})
	t.secrets.Keep("token", pinsetter.NewSecret("token for "+t.name.RegistryStr(), token))
	return token, err
}

func (t *tokens) key(at endpoint, asked challenge, c credential) string {
	of := asked.parameters
	return fmt.Sprintf("token %s %q %q %q %s %s", at.origin, of["realm"], of["service"], t.scopes(asked), t.connection, c.identity())
}

// exchange asks the token server for a token. It returns the time for which the
// token is valid too.
func (t *tokens) exchange(ctx context.Context, at endpoint, asked challenge, c credential) (string, time.Duration, error) {
	server := fmt.Sprintf("token server %s of %s", pinsetter.Quote(asked.parameters["realm"]), t.name.RegistryStr())
	realm, err := t.realm(at, asked)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", server, err)
	}
	if c.cloud != nil && origin(realm) != at.origin {
		return "", 0, fmt.Errorf("%s: the login of %s is for the registry alone, and is not sent to another host", server, c.source)
	}
	response, err := t.askForToken(ctx, realm, asked, c)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", server, explain(t.name.RegistryStr(), plainError(err)))
	}
	defer discard(response)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return "", 0, t.refusal(response, " from the "+server, attempt{credential: c, sent: c.source != ""})
	}
	token, life, err := readToken(response.Body)
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", server, err)
	}
	return token, life, nil
}

// realm returns the address of the token server. A registry that was reached
// over TLS may not name one that would be sent the credential without.
func (t *tokens) realm(at endpoint, asked challenge) (*url.URL, error) {
	realm, ok := asked.realm()
	switch {
	case !ok:
		return nil, errors.New("the registry names it as its token server, and it is no http or https URL")
	case realm.Scheme == "http" && pinsetter.Origin(at.origin).Secure():
		return nil, fmt.Errorf("it would be asked over plain HTTP, and %s is asked over https: the registry's configuration must name it with https", t.name.RegistryStr())
	}
	return realm, nil
}

// askForToken sends the request for a token: a refresh token by POST
// (https://distribution.github.io/distribution/spec/auth/oauth/), anything else
// by GET (…/auth/token/), and so where POST isn't known. The credential goes
// only to the token server, wherever that redirects to.
func (t *tokens) askForToken(ctx context.Context, realm *url.URL, asked challenge, c credential) (*http.Response, error) {
	if c.config.IdentityToken == "" {
		return t.getToken(ctx, realm, asked, basic(c.config.Username, c.config.Password))
	}
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {c.config.IdentityToken}, "client_id": {t.registry.options.UserAgent},
		"scope": {strings.Join(t.scopes(asked), " ")},
	}
	if service := asked.parameters["service"]; service != "" {
		form.Set("service", service)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, realm.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := t.toRealm(realm, "").Do(request)
	if err != nil || response.StatusCode != http.StatusNotFound && response.StatusCode != http.StatusMethodNotAllowed {
		return response, err
	}
	discard(response)
	return t.getToken(ctx, realm, asked, basic(c.config.Username, c.config.IdentityToken))
}

func (t *tokens) getToken(ctx context.Context, realm *url.URL, asked challenge, authorization string) (*http.Response, error) {
	query := realm.Query()
	query["scope"] = t.scopes(asked)
	if service := asked.parameters["service"]; service != "" {
		query.Set("service", service)
	}
	u := *realm
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	return t.toRealm(realm, authorization).Do(request)
}

// toRealm returns the client for a token server.
func (t *tokens) toRealm(realm *url.URL, authorization string) *http.Client {
	return &http.Client{
		Transport:     login.Bound{Inner: t.wire, Origin: pinsetter.OriginOf(realm), Authorization: authorization},
		CheckRedirect: login.CheckRedirect,
	}
}

// scopes returns the scopes to ask for. The first is the one that the registry
// names, because some token servers read no other. Then come pulling, or
// pulling and pushing, and pulling from the repositories to mount from.
func (t *tokens) scopes(asked challenge) []string {
	own := t.name.Scope(transport.PullScope)
	if t.write {
		own = t.name.Scope(transport.PushScope)
	}
	all := []string{own}
	if named := asked.parameters["scope"]; named != "" && named != own {
		all = []string{named, own}
	}
	for _, from := range t.mountFrom {
		all = append(all, "repository:"+from+":"+transport.PullScope)
	}
	return all
}

// basic returns the header of HTTP Basic, "" if there is no password.
func basic(user, password string) string {
	if password == "" {
		return ""
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// readToken parses the answer of a token server. Its errors don't quote the
// answer, which may hold a secret.
func readToken(body io.Reader) (token string, life time.Duration, err error) {
	data, err := io.ReadAll(io.LimitReader(body, maxToken+1))
	if err != nil {
		return "", 0, fmt.Errorf("its answer broke off: %w", err)
	}
	var said struct {
		Token       string          `json:"token"`
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	if len(data) > maxToken || json.Unmarshal(data, &said) != nil || said.AccessToken == "" && said.Token == "" {
		return "", 0, errors.New("its answer holds no token")
	}
	return cmp.Or(said.AccessToken, said.Token), lifeOf(said.ExpiresIn), nil
}

// lifeOf returns the validity of a token from the seconds that its server says.
// Some servers write the number as a string.
func lifeOf(expires json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(expires), `" `), 64)
	if err == nil && seconds > 0 {
		return time.Duration(min(seconds, longestTokenLife.Seconds()) * float64(time.Second))
	}
	return tokenLife
}
