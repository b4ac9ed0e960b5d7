package login

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// seen is what a server was sent.
type seen struct {
	*httptest.Server
	requests []*http.Request
	bodies   []string
}

// seeing notes what it is sent, and answers with a redirect where to isn't "".
func seeing(t *testing.T, status int, to string) *seen {
	s := &seen{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
		if to != "" {
			http.Redirect(w, r, to, status)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// No redirect takes a credential or a body to another origin, of the same host
// at another port too.
func TestBoundKeepsCredentialsAtTheirOrigin(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			other := seeing(t, 0, "")
			home := seeing(t, status, other.URL+"/x")
			client := http.Client{Transport: Bound{Inner: http.DefaultTransport, Origin: originOf(t, home.URL), Authorization: "Bearer s3cret"}, CheckRedirect: CheckRedirect}
			request, err := http.NewRequest(method, home.URL, strings.NewReader("s3cret"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"Cookie", "X-Token", "Private-Token", "Proxy-Authorization", "Authorization"} {
				request.Header.Set(name, "s3cret")
			}
			response, err := client.Do(request)
			if err == nil {
				response.Body.Close()
			} else if !errors.Is(err, ErrRedirect) {
				t.Errorf("%s %d: %v", method, status, err)
			}
			if got := home.requests[0].Header.Get("Authorization"); got != "Bearer s3cret" || home.bodies[0] != "s3cret" {
				t.Errorf("%s %d: the origin got %q and %q", method, status, got, home.bodies[0])
			}
			for i, r := range other.requests {
				for name, values := range r.Header {
					if strings.Contains(strings.Join(values, " "), "s3cret") {
						t.Errorf("%s %d: %s was sent on", method, status, name)
					}
				}
				if strings.Contains(other.bodies[i], "s3cret") || r.Method != http.MethodGet && r.Method != http.MethodHead {
					t.Errorf("%s %d: %s with the body %q was sent on", method, status, r.Method, other.bodies[i])
				}
			}
		}
	}
}

func TestBoundRefusesToLeaveTLS(t *testing.T) {
	b := Bound{Inner: http.DefaultTransport, Origin: "https://git.test:443"}
	r := httptest.NewRequest(http.MethodGet, "http://git.test/", nil)
	if response, err := b.RoundTrip(r); !errors.Is(err, ErrRedirect) {
		t.Errorf("%v %v", response, err)
	}
}

func TestRedirectsEnd(t *testing.T) {
	home := seeing(t, http.StatusFound, "/again")
	client := http.Client{Transport: Bound{Inner: http.DefaultTransport, Origin: originOf(t, home.URL)}, CheckRedirect: CheckRedirect}
	if _, err := client.Get(home.URL); err == nil || len(home.requests) != maxRedirects {
		t.Errorf("%d requests, %v", len(home.requests), err)
	}
}

func originOf(t *testing.T, address string) pinsetter.Origin {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return pinsetter.OriginOf(u)
}
