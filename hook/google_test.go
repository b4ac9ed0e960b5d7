package hook

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// google is a server of keys, and what signs with one of them.
type google struct {
	*httptest.Server
	key   *rsa.PrivateKey
	id    string // of the key, as published
	asked int
	down  bool
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g := &google{key: key, id: "one"}
	g.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.asked++
		if g.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=3600, must-revalidate")
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","kid":"ec"},%s]}`, g.published())
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *google) published() string {
	n := base64.RawURLEncoding.EncodeToString(g.key.N.Bytes())
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(g.key.E)).Bytes())
	return fmt.Sprintf(`{"kty":"RSA","alg":"RS256","use":"sig","kid":%q,"n":%q,"e":%q}`, g.id, n, e)
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// claims of a token as Pub/Sub sends it at noon, with changes.
func claims(changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"aud": "https://hooks.example.test", "iss": "https://accounts.google.com", "email": "push@example.test", "email_verified": true,
		"iat": noon.Add(-time.Minute).Unix(), "exp": noon.Add(time.Hour).Unix()}
	maps.Copy(c, changes)
	return c
}

func (g *google) token(t *testing.T, changes jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims(changes))
	token.Header["kid"] = g.id
	signed, err := token.SignedString(g.key)
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + signed
}

// pushed is what Pub/Sub wraps a message of a registry in.
var pushed = `{"message":{"messageId":"1","data":"` + base64.StdEncoding.EncodeToString([]byte(`{"action":"INSERT","tag":"eu.gcr.io/a/b:1.0"}`)) + `"}}`

func (g *google) serve(t *testing.T, now func() time.Time) *house {
	t.Helper()
	h := serve(t, door("gcr"))
	h.google.url, h.google.client, h.google.now = g.URL, g.Client(), now
	return h
}

func TestGoogle(t *testing.T) {
	g, other := newGoogle(t), newGoogle(t)
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims(nil)).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	symmetric, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims(nil)).SignedString([]byte(g.published()))
	if err != nil {
		t.Fatal(err)
	}
	const status = http.StatusBadRequest
	tests := []struct {
		name, authorization, body string
		want                      int
		reason                    string
	}{
		{"good", g.token(t, nil), pushed, 200, ""},
		{"the other name of the issuer", g.token(t, jwt.MapClaims{"iss": "accounts.google.com"}), pushed, 200, ""},
		{"none", "", pushed, status, "no bearer token"},
		{"not a token", "Bearer hunter2", pushed, status, "not one that Google signed"},
		{"unsigned", "Bearer " + unsigned, pushed, status, "not one that Google signed"},
		{"signed with a public key as a secret", "Bearer " + symmetric, pushed, status, "not one that Google signed"},
		{"somebody else's key", other.token(t, nil), pushed, status, "not one that Google signed"},
		{"audience", g.token(t, jwt.MapClaims{"aud": "https://elsewhere.test"}), pushed, status, "another audience"},
		{"issuer", g.token(t, jwt.MapClaims{"iss": "https://issuer.test"}), pushed, status, "another issuer"},
		{"account", g.token(t, jwt.MapClaims{"email": "me@example.test"}), pushed, status, "another account"},
		{"account that isn't verified", g.token(t, jwt.MapClaims{"email_verified": false}), pushed, status, "another account"},
		{"expired", g.token(t, jwt.MapClaims{"exp": noon.Add(-time.Hour).Unix()}), pushed, status, "expired"},
		{"without end", g.token(t, jwt.MapClaims{"exp": nil}), pushed, status, "not one that Google signed"},
		{"from the future", g.token(t, jwt.MapClaims{"iat": noon.Add(time.Hour).Unix()}), pushed, status, "not one that Google signed"},
		{"body", g.token(t, nil), `{"message":{"data":"!"}}`, status, "not base64"},
		{"message", g.token(t, nil), `{"message":{"data":"W10="}}`, status, "in the message's data"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := g.serve(t, func() time.Time { return noon })
			got := h.deliver(Path(door("gcr")), test.body, map[string]string{"Authorization": test.authorization})
			if got != test.want || len(h.wakes) != map[bool]int{true: 1}[test.want == 200] {
				t.Errorf("status %d, want %d: %v", got, test.want, h.refused)
			}
			if reasons := strings.Join(h.refused, ""); !strings.Contains(reasons, test.reason) || strings.Contains(reasons, "hunter2") {
				t.Errorf("reasons %q", reasons)
			}
		})
	}
}

// TestGoogleKeys: keys are fetched seldom, whatever senders say, and a failure
// lets nobody in.
func TestGoogleKeys(t *testing.T) {
	g := newGoogle(t)
	now := noon
	h := g.serve(t, func() time.Time { return now })
	deliver := func(want, asked int, what string) {
		t.Helper()
		if got := h.deliver(Path(door("gcr")), pushed, map[string]string{"Authorization": g.token(t, jwt.MapClaims{"exp": noon.Add(24 * time.Hour).Unix()})}); got != want || g.asked != asked {
			t.Errorf("%s: status %d after %d requests, want %d after %d", what, got, g.asked, want, asked)
		}
	}
	deliver(200, 1, "first")
	deliver(200, 1, "from memory")
	g.id = "two"
	deliver(400, 1, "an unknown key too soon")
	now = now.Add(2 * keysPause)
	deliver(200, 2, "a new key")
	g.down = true
	now = now.Add(61 * time.Minute)
	deliver(500, 3, "no keys")
	deliver(500, 3, "no keys, too soon")
	g.down = false
	now = now.Add(keysPause)
	deliver(200, 4, "back")
}

// FuzzParseKeys: a set of keys has usable keys or is an error.
func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`{"keys":[null,{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			keys, err := parseKeys(data)
			if (err == nil) != (len(keys) > 0) {
				t.Errorf("%d keys, %v", len(keys), err)
			}
			for id, key := range keys {
				if id == "" || key.Size() < 256 || !json.Valid(data) {
					t.Errorf("key %q of %d bytes", id, key.Size())
				}
			}
		})
	})
}
