package pinsetter_test

import (
	"net/url"
	"testing"

	"github.com/pinsetter/pinsetter"
)

func TestOrigin(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		same  bool
		lends bool // what is for a, to b
	}{
		{"https://git.test/a", "HTTPS://Git.Test:443/b?c", true, true},
		{"https://git.test.", "https://git.test", true, true},
		{"https://git.test:0443", "https://git.test", true, true},
		{"http://git.test", "http://git.test:80", true, true},
		{"ssh://git@git.test/a", "ssh://git.test:22/a", true, true},
		{"https://[2001:DB8:0::1]", "https://[2001:db8::1]:443", true, true},
		{"https://git.test", "https://git.test:8443", false, false},
		{"https://git.test:8443", "https://git.test:8444", false, false},
		{"https://git.test", "http://git.test", false, false},
		{"http://git.test", "https://git.test", false, true},
		{"http://git.test:8080", "https://git.test:8080", false, false},
		{"http://git.test:8080", "https://git.test", false, false},
		{"http://git.test", "https://git.test:8443", false, false},
		{"http://git.test", "https://other.test", false, false},
		{"https://git.test", "https://a.git.test", false, false},
		{"https://git.test", "https://git.test.evil.test", false, false},
		{"https://git.test@evil.test", "https://git.test", false, false},
		{"https://127.0.0.1", "https://[::ffff:127.0.0.1]", false, false},
		{"https://ς.test", "https://σ.test", false, false},
		{"file:///a", "file:///a", false, false},
		{"/a", "/a", false, false},
	} {
		a, b := parse(t, test.a), parse(t, test.b)
		if got := pinsetter.SameOrigin(a, b); got != test.same {
			t.Errorf("%s and %s: same origin %v", test.a, test.b, got)
		}
		if got := pinsetter.OriginOf(a).Lends(pinsetter.OriginOf(b)); got != test.lends {
			t.Errorf("%s lends to %s: %v", test.a, test.b, got)
		}
	}
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
