package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// maxAnswer bounds the bytes that are read of an answer.
const maxAnswer = 64 << 10

// request is an HTTP request that delivers a message.
type request struct {
	method string
	url    string
	header map[string]string
	value  any              // sent as JSON, if there is no body
	body   []byte           // with its Content-Type in the header
	sign   pinsetter.Secret // key to sign the body with, if set

	// subject, if set, is where the body is published over NATS. There is no HTTP
	// then.
	subject string

	// needs names what a service asks of whom it refuses, "" if that isn't known.
	needs string

	// authorize, if set, returns the header Authorization, for each attempt anew.
	authorize func(ctx context.Context, l *lane) (string, error)

	// accepts, if set, checks the body of an answer with a good status.
	accepts func(body []byte) error
}

// post returns a POST request with a value as JSON.
func post(address string, value any) request {
	return request{method: http.MethodPost, url: address, header: map[string]string{}, value: value}
}

// postForm returns a POST request with a form.
func postForm(address string, form url.Values) request {
	return request{
		method: http.MethodPost, url: address, body: []byte(form.Encode()),
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	}
}

// baseOf returns scheme and host of a Provider's address.
func baseOf(p *fleet.Provider) (string, error) {
	u, err := url.Parse(p.Address.Reveal())
	if err != nil {
		return "", errors.New("the address is not a URL")
	}
	return u.Scheme + "://" + u.Host, nil
}

// encode returns the body, and its signature if needed.
func (r request) encode() ([]byte, error) {
	if r.body != nil {
		return r.body, nil
	}
	body, err := json.Marshal(r.value)
	if err == nil && !r.sign.IsZero() {
		mac := hmac.New(sha256.New, []byte(r.sign.Reveal()))
		mac.Write(body)
		r.header["X-Signature"] = "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	return body, err
}

// bearing returns the request with a token, if there is one.
func (r request) bearing(token pinsetter.Secret) request {
	if !token.IsZero() {
		r.header["Authorization"] = "Bearer " + token.Reveal()
	}
	return r
}

// refusal is an answer that isn't a success.
type refusal struct {
	status int           // of HTTP; 0: of another protocol
	said   string        // in the service's own words; "": it says nothing
	needs  string        // what whoever is refused lacks; "": not known
	again  bool          // another try may help
	after  time.Duration // pause that the Provider asks for; 0: none
}

// maxSaid bounds a service's words in an error, in characters.
const maxSaid = 200

// refused returns the refusal in an answer.
func (l *lane) refused(r request, answer *http.Response, body []byte) *refusal {
	said := line(clean(l.secrets.Text(login.Said(body))), maxSaid)
	if strings.EqualFold(said, answer.Status) || strings.EqualFold(said, http.StatusText(answer.StatusCode)) {
		said = ""
	}
	return &refusal{status: answer.StatusCode, said: said, needs: r.needs, again: again(answer.StatusCode), after: l.retryAfter(answer)}
}

// Error begins with what the service said. Advice follows only where it fits.
func (r *refusal) Error() string {
	if r.status == 0 {
		return r.said
	}
	text := strings.TrimSpace(strconv.Itoa(r.status) + " " + http.StatusText(r.status))
	if r.said != "" {
		text += ": " + r.said
	}
	switch {
	case r.status >= 300 && r.status < 400:
		return text + ": redirects are not followed: write the address that it leads to"
	case r.needs != "" && (r.status == http.StatusUnauthorized || r.status == http.StatusForbidden):
		return text + ": the identity needs " + r.needs
	case r.status == http.StatusUnauthorized, r.status == http.StatusForbidden && r.said == "":
		return text + ": check the token"
	case r.status == http.StatusNotFound && r.said == "":
		return text + ": check the address"
	}
	return text
}

// rejection returns the error for an answer with a good status whose body says
// that it is none.
func rejection(said string) error { return &refusal{status: http.StatusOK, said: said} }

// send makes one attempt.
func (l *lane) send(ctx context.Context, r request, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, l.provider.Timeout)
	defer cancel()
	if r.subject != "" {
		return l.publish(ctx, r.subject, body)
	}
	q, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is not a URL")
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", reporter)
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	if r.authorize != nil {
		value, err := r.authorize(ctx, l)
		if err != nil {
			return err
		}
		q.Header.Set("Authorization", value)
	}
	answer, err := l.client.Do(q)
	if err != nil {
		return l.unspoken(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // to its end, so that the connection can be reused
	switch {
	case answer.StatusCode < 200 || answer.StatusCode >= 300:
		return l.refused(r, answer, said)
	case r.accepts == nil:
		return nil
	case err != nil:
		return l.unspoken(err)
	}
	return r.accepts(said)
}

// again reports whether another try may help after this status.
func again(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500 && status != http.StatusNotImplemented
}

// retryAfter returns the pause that an answer asks for, 0 for none (RFC 9110,
// section 10.2.3).
func (l *lane) retryAfter(answer *http.Response) time.Duration {
	text := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 { // Discord sends fractions
		return time.Duration(min(seconds, maxPause.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(l.o.Now()))
	}
	return 0
}

// unspoken returns a connection's error without the address that net/http adds.
func (l *lane) unspoken(err error) error {
	if with := (*url.Error)(nil); errors.As(err, &with) {
		err = with.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", l.provider.Timeout)
	}
	return err
}

// secretsOf returns a Scrubber for all secrets that are sent to a Provider.
func secretsOf(p *fleet.Provider, o Options) *login.Scrubber {
	named := func(value string) pinsetter.Secret {
		return pinsetter.NewSecret("secret of Provider "+p.Name.String(), value)
	}
	all := []pinsetter.Secret{p.Token}
	for _, secret := range p.Headers {
		all = append(all, secret)
	}
	if p.Type == fleet.ProviderPagerDuty {
		all = append(all, named(p.Channel)) // its routing key
	}
	if u, err := url.Parse(p.Address.Reveal()); err == nil {
		key, _ := u.User.Password() // of a DSN
		all = append(all, named(u.RequestURI()), named(u.RawQuery), named(u.User.Username()), named(key))
		for part := range strings.SplitSeq(u.Path, "/") {
			all = append(all, named(part))
		}
		for _, values := range u.Query() {
			for _, value := range values {
				all = append(all, named(value))
			}
		}
	}
	secrets := new(login.Scrubber)
	secrets.Keep("provider", all...)
	secrets.KeepLogin("login", p.Username, p.Password)
	secrets.Keep("proxies", append(o.Environment.ProxyPasswords(), login.ProxySecrets(p.Proxy)...)...)
	return secrets
}

// reveal returns headers with their secrets, ready to be sent.
func reveal(headers map[string]pinsetter.Secret) map[string]string {
	plain := make(map[string]string, len(headers))
	for _, name := range slices.Sorted(maps.Keys(headers)) { // if a header has two spellings, the last one counts
		plain[http.CanonicalHeaderKey(name)] = headers[name].Reveal()
	}
	return plain
}
