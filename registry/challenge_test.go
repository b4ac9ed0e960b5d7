package registry

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts/budget"
)

func TestChallenges(t *testing.T) {
	type params = map[string]string
	bearer := challenge{"bearer", params{"realm": "https://r.example/token", "service": "x"}}
	for name, test := range map[string]struct {
		headers []string
		want    []challenge
		answer  string // scheme
	}{
		"none":       {nil, nil, ""},
		"bearer":     {[]string{`Bearer realm="https://r.example/token",service="x"`}, []challenge{bearer}, "bearer"},
		"no quotes":  {[]string{`Bearer realm=https://r.example/token, service=x`}, []challenge{bearer}, "bearer"},
		"blanks":     {[]string{`  bearer   REALM = "https://r.example/token" ,, service="x" , `}, []challenge{bearer}, "bearer"},
		"escapes":    {[]string{`Basic realm="a \"b\", c=d"`}, []challenge{{"basic", params{"realm": `a "b", c=d`}}}, "basic"},
		"alone":      {[]string{`Basic`}, []challenge{{"basic", params{}}}, "basic"},
		"twice":      {[]string{`Basic realm="a",realm="b"`}, []challenge{{"basic", params{"realm": "a"}}}, "basic"},
		"unclosed":   {[]string{`Basic realm="a`}, []challenge{{"basic", params{"realm": "a"}}}, "basic"},
		"no scheme":  {[]string{`realm="a", Basic realm="b"`}, []challenge{{"basic", params{"realm": "b"}}}, "basic"},
		"nonsense":   {[]string{`,;("x" Basic`}, []challenge{{"x", params{}}, {"basic", params{}}}, "basic"},
		"no realm":   {[]string{`Bearer service="x"`}, []challenge{{"bearer", params{"service": "x"}}}, "bearer"},
		"two lines":  {[]string{`Basic realm="reg"`, `Bearer realm="https://r.example/token",service="x"`}, []challenge{{"basic", params{"realm": "reg"}}, bearer}, "bearer"},
		"two in one": {[]string{`Basic realm="reg", Bearer realm="https://r.example/token",service="x"`}, []challenge{{"basic", params{"realm": "reg"}}, bearer}, "bearer"},
		"reversed":   {[]string{`Bearer realm="https://r.example/token",service="x",Basic realm="reg"`}, []challenge{bearer, {"basic", params{"realm": "reg"}}}, "bearer"},
		"negotiate": {[]string{`Negotiate, NTLM, Bearer realm="https://r.example/token", service="x"`},
			[]challenge{{"negotiate", params{}}, {"ntlm", params{}}, bearer}, "bearer"},
		"data": {[]string{`Negotiate oYG2MIGz==, NTLM TlRM, Basic realm="reg"`},
			[]challenge{{"negotiate", params{}}, {"ntlm", params{}}, {"basic", params{"realm": "reg"}}}, "basic"},
		"unknown":                    {[]string{`Negotiate`, `NTLM`}, []challenge{{"negotiate", params{}}, {"ntlm", params{}}}, ""},
		"a bearer that can't be":     {[]string{`Bearer realm="file:///x"`, `Basic realm="reg"`}, []challenge{{"bearer", params{"realm": "file:///x"}}, {"basic", params{"realm": "reg"}}}, "basic"},
		"the first that can be":      {[]string{`Bearer scope="x"`, `Bearer realm="https://r.example/token",service="x"`}, []challenge{{"bearer", params{"scope": "x"}}, bearer}, "bearer"},
		"as many as anybody has and": {[]string{strings.Repeat("x, ", 500)}, slicesOf(challenge{"x", params{}}, maxChallenges), ""},
	} {
		got := challengesOf(&http.Response{Header: http.Header{"Www-Authenticate": test.headers}})
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(challenge{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if c, ok := answered(got); c.scheme != test.answer || ok != (test.answer != "") {
			t.Errorf("%s: %q is answered; want %q", name, c.scheme, test.answer)
		}
	}
}

func slicesOf(c challenge, n int) []challenge {
	all := make([]challenge, n)
	for i := range all {
		all[i] = c
	}
	return all
}

// FuzzChallenges: whatever the header, schemes and names are tokens, there are
// few, and a Bearer challenge behind it is read.
func FuzzChallenges(f *testing.F) {
	for _, seed := range []string{
		`Bearer realm="https://r.example/token",service="x",scope="repository:a/b:pull"`, `Negotiate abc==, NTLM, Basic realm="a \"b"`,
		`realm=x`, `Basic realm=`, `,,"`, `Bearer =`, `Digest qop="auth,auth-int", nonce=x`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		var all []challenge
		budget.Affords(t, len(header), func() {
			all = challengesOf(&http.Response{Header: http.Header{"Www-Authenticate": {header, `Bearer realm="https://r.example/token"`}}})
		})
		if len(all) == 0 || len(all) > maxChallenges {
			t.Fatalf("%d challenges", len(all))
		}
		if c, ok := answered(all); len(all) < maxChallenges && (!ok || c.scheme != schemeBearer) {
			t.Fatalf("%v is answered", c)
		}
		for _, c := range all {
			if token, rest := cutToken(c.scheme); token == "" || rest != "" {
				t.Fatalf("scheme %q", c.scheme)
			}
		}
	})
}
