package registry

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzToken: whatever a token server answers, there is a token or an error that
// quotes nothing of it, and no token lives longer than the bound.
func FuzzToken(f *testing.F) {
	f.Add([]byte(`{"token":"t","access_token":"a","expires_in":300}`))
	f.Add([]byte(`{"token":"t","expires_in":"1e999"}`))
	f.Add([]byte(`{"token":["secret"],"expires_in":-1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			token, life, err := readToken(bytes.NewReader(data))
			if (token == "") == (err == nil) || life < 0 || life > longestTokenLife || err == nil && life == 0 {
				t.Errorf("token %q for %v: %v", token, life, err)
			}
		})
	})
}

// FuzzHelper: whatever a credential helper answers, its errors are the same, and a
// credential has a secret.
func FuzzHelper(f *testing.F) {
	f.Add([]byte(`{"ServerURL":"x","Username":"u","Secret":"s"}`))
	f.Add([]byte(`{"Username":"<token>","Secret":"s"}`))
	f.Add([]byte(`{"Username":"<token>","Secret":""} x`))
	f.Fuzz(func(t *testing.T, out []byte) {
		found, err := readHelper(out)
		if err != nil && (found != (credential{}) || !strings.HasPrefix(err.Error(), "it answers")) {
			t.Errorf("%+v, %v", found, err)
		}
		if found != (credential{}) && found.config.Password == "" && found.config.IdentityToken == "" {
			t.Error("a credential without a secret")
		}
	})
}
