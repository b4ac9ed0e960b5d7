package address

import (
	"reflect"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

func TestSameSessionByAddress(t *testing.T) {
	const address = "https://example.test/Org/Repo.git"
	for other, want := range map[string]bool{
		address:                                  true,
		"HTTPS://EXAMPLE.test:443/Org/Repo.git":  true,
		"http://example.test/Org/Repo.git":       false,
		"http://example.test:443/Org/Repo.git":   false,
		"https://example.test:8443/Org/Repo.git": false,
		"https://bot@example.test/Org/Repo.git":  false,
		"https://example.test./Org/Repo.git":     false,
		"https://example.test/org/Repo.git":      false,
		"https://example.test/Org/Repo":          false,
		"https://example.test/Org%2FRepo.git":    false,
		"https://example.test/Org/Repo.git/":     true,
		"https://example.test/Org/Repo.git//":    false,
		"ssh://example.test/Org/Repo.git":        false,
		"https://example.test":                   false,
	} {
		if got := SameSession(&fleet.GitSource{URL: address}, &fleet.GitSource{URL: other}); got != want {
			t.Errorf("%s: %v", other, got)
		}
	}
}

// Each field by which a login may differ tells sessions apart: also one that is
// added later.
func TestSameSessionByCredentials(t *testing.T) {
	whole := func() *fleet.GitSource {
		return &fleet.GitSource{
			Auth: fleet.GitAuth{Proxy: &pinsetter.Proxy{}},
			App:  &fleet.GitHubApp{},
		}
	}
	if !SameSession(whole(), whole()) {
		t.Fatal("equal sources aren't of one session")
	}
	for name, part := range map[string]func(*fleet.GitSource) any{
		"auth":  func(s *fleet.GitSource) any { return &s.Auth },
		"tls":   func(s *fleet.GitSource) any { return &s.Auth.TLS },
		"proxy": func(s *fleet.GitSource) any { return s.Auth.Proxy },
		"app":   func(s *fleet.GitSource) any { return s.App },
	} {
		fields := reflect.TypeOf(part(whole())).Elem()
		for i := range fields.NumField() {
			other := whole()
			if fill(t, reflect.ValueOf(part(other)).Elem().Field(i)) && (SameSession(whole(), other) || SameSession(other, whole())) {
				t.Errorf("%s: %s doesn't count", name, fields.Field(i).Name)
			}
		}
	}
	for name, without := range map[string]func(*fleet.GitSource){
		"proxy": func(s *fleet.GitSource) { s.Auth.Proxy = nil },
		"app":   func(s *fleet.GitSource) { s.App = nil },
	} {
		other := whole()
		without(other)
		if SameSession(whole(), other) || !SameSession(other, other) {
			t.Errorf("without %s", name)
		}
	}
}

// fill gives a field another value than its zero; false for a struct, whose fields
// are tried by themselves, and for the name of a Secret: its content counts.
func fill(t *testing.T, field reflect.Value) bool {
	t.Helper()
	switch field.Interface().(type) {
	case pinsetter.Secret:
		field.Set(reflect.ValueOf(pinsetter.NewSecret("a secret", "x")))
	case string:
		field.SetString("x")
	case bool:
		field.SetBool(true)
	case int64:
		field.SetInt(1)
	case []byte:
		field.SetBytes([]byte("x"))
	case pinsetter.TLS, *pinsetter.Proxy, pinsetter.Name:
		return false
	default:
		t.Fatalf("a field of type %s: have it compared, and filled here", field.Type())
	}
	return true
}

// The same words in two Secrets are one login.
func TestSameSessionByContent(t *testing.T) {
	with := func(name, password string) *fleet.GitSource {
		return &fleet.GitSource{
			Name: pinsetter.Name{Namespace: name},
			URL:  "https://example.test/a",
			Auth: fleet.GitAuth{
				Set: true, Secret: pinsetter.Name{Namespace: name, Name: "git"},
				Username: "bot", Password: pinsetter.NewSecret("secret "+name+"/git, key password", password),
			},
		}
	}
	if !SameSession(with("a", "x"), with("b", "x")) {
		t.Error("equal Secrets of two namespaces aren't one session")
	}
	if SameSession(with("a", "x"), with("a", "y")) {
		t.Error("two passwords are one session")
	}
}
