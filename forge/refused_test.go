package forge_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
)

// What a forge says comes first, in whatever form, and then which token it was
// that it refused.
func TestRefusedTokenIsNamed(t *testing.T) {
	inSecret := pinsetter.NewSecret("Secret a/forge, key token", "0123456789abcdef")
	for name, test := range map[string]struct {
		status int
		body   string
		token  pinsetter.Secret
		text   string
	}{
		"401":            {401, `{"message":"Bad credentials"}`, inSecret, "access denied: 401 Unauthorized: Bad credentials; the token in Secret a/forge, key token was refused"},
		"403":            {403, `{"message":"Resource not accessible"}`, inSecret, "not permitted: 403 Forbidden: Resource not accessible; the token in Secret a/forge, key token may not do this"},
		"403 of a proxy": {403, "<html><title>Not on the allow list</title>", inSecret, "not permitted: 403 Forbidden: Not on the allow list; the token in Secret"},
		"403 in text":    {403, "IP 10.1.2.3 is not on the allow list\n", inSecret, "403 Forbidden: IP 10.1.2.3 is not on the allow list; the token"},
		"environment":    {401, `{}`, pinsetter.Secret{}, "access denied: 401 Unauthorized; the token from PINSETTER_GIT_TOKEN was refused"},
		"404":            {404, `{"message":"Not Found"}`, inSecret, "not found: 404 Not Found: Not Found"},
	} {
		for _, provider := range []string{fleet.ForgeGitHub, fleet.ForgeGitLab, fleet.ForgeGitea} {
			front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}), parts.FrontOptions{})
			env := map[string]string{"PINSETTER_GIT_TOKEN": "fedcba9876543210", "PINSETTER_GIT_HOST": front.Addr}
			r, err := forge.Open(&fleet.Forge{Provider: provider, URL: front.URL + "/org/app", Token: test.token}, forge.Options{
				Environment: login.Environment{Getenv: func(name string) string { return env[name] }},
				Now:         func() time.Time { return time.Unix(1000, 0) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err = r.Commits(t.Context(), &forge.PullRequest{Number: 7}); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%s, %s: %v", provider, name, err)
			}
		}
	}
}
