package cloud

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
)

// FuzzAnswers: whatever a cloud answers, a login that is read has a password, and
// is used for a bounded time.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"authorizationData":[{"authorizationToken":"QVdTOnRva2Vu","expiresAt":1.7e9}]}`))
	f.Add([]byte(`{"authorizationData":{"authorizationToken":"QVdTOnRva2Vu","expiresAt":1e300}}`))
	f.Add([]byte(`{"authorizationData":[]}`))
	f.Add([]byte(`{"refresh_token":"eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9."}`))
	f.Add([]byte(`{"refresh_token":"eyJhbGciOiJub25lIn0.eyJleHAiOi0xZTMwfQ."}`))
	f.Add([]byte(`{"access_token":"ya29.x","expires_in":-1e18}`))
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded := func(what string, until time.Time) {
			if used := end(now, until).Sub(now); used <= 0 || used > longest {
				t.Errorf("%s is used for %s", what, used)
			}
		}
		if found, err := readECR(data); err == nil {
			if found.user == "" || found.password == "" {
				t.Errorf("ECR: %+v", found)
			}
			bounded("ECR's", found.until)
		}
		if token, until, err := readACR(data, now); err == nil {
			if token == "" {
				t.Error("ACR: no token")
			}
			bounded("ACR's", until)
		}
		if token, err := readGoogleToken(data, now); err == nil {
			if token.AccessToken == "" {
				t.Error("Google: no token")
			}
			bounded("Google's", token.Expiry)
		}
	})
}

// FuzzGoogleFile: whatever stands in a file of credentials, what is said of it is
// one printable line and shows no key.
func FuzzGoogleFile(f *testing.F) {
	f.Add([]byte(`{"type":"external_account","service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken"}`))
	f.Add([]byte(`{"type":"service_account","client_email":"a@b\n\u001b[31m","private_key":"k"}`))
	f.Add([]byte(`{"service_account_impersonation_url":"///"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, who, err := readGoogleFile(data)
		if who != pinsetter.Printable(who) || strings.Contains(who, "\n") || err != nil && who != "" {
			t.Errorf("%q: %q, %v", data, who, err)
		}
	})
}

// FuzzTokenFile: whatever stands in the file of a token, it is one word of three
// parts, or refused without being shown.
func FuzzTokenFile(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0.eyJhdWQiOlsiYSIsImIiXSwic3ViIjoicyJ9.\n")
	f.Add("eyJhbGciOiJub25lIn0.eyJhdWQiOiJhIiwiZXhwIjoxZTQwMH0.x")
	f.Add("-----BEGIN PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, text string) {
		token, _, err := parseToken([]byte(text))
		switch {
		case err == nil && strings.Count(token, ".") != 2, err == nil && strings.ContainsAny(token, " \t\r\n"):
			t.Errorf("%q is taken for a token", text)
		case err != nil && len(text) > 8 && strings.Contains(err.Error(), text):
			t.Errorf("the error shows the file: %v", err)
		}
	})
}
