package login

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
)

func TestTLS(t *testing.T) {
	ca := parts.NewCA(t)
	pair, other := ca.Client("bot"), ca.Client("other")
	secret := func(value []byte) pinsetter.Secret { return pinsetter.NewSecret("key", string(value)) }
	for name, test := range map[string]struct {
		tls  pinsetter.TLS
		want string
	}{
		"nothing":    {pinsetter.TLS{}, ""},
		"all":        {pinsetter.TLS{CA: ca.PEM, Cert: pair.Cert, Key: secret(pair.Key)}, ""},
		"no CA":      {pinsetter.TLS{CA: []byte("x")}, "read ca.crt of a: no PEM certificate in it"},
		"no key":     {pinsetter.TLS{Cert: pair.Cert}, "read tls.crt and tls.key of a: "},
		"no cert":    {pinsetter.TLS{Key: secret(pair.Key)}, "read tls.crt and tls.key of a: "},
		"not a pair": {pinsetter.TLS{Cert: pair.Cert, Key: secret(other.Key)}, "read tls.crt and tls.key of a: "},
	} {
		settings, err := TLSConfig(test.tls, " of a")
		switch {
		case test.want != "":
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || (settings.RootCAs != nil) != (test.tls.CA != nil) || (len(settings.Certificates) == 1) != (test.tls.Cert != nil):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProxies(t *testing.T) {
	named := map[string]string{"https_proxy": "http://low.test:1", "HTTP_PROXY": "http://up.test:2", "http_proxy": "http://low.test:2", "NO_PROXY": "in.test"}
	cgi := map[string]string{"HTTP_PROXY": "http://up.test:2", "REQUEST_METHOD": "GET"}
	own := &pinsetter.Proxy{Address: "socks5://own.test:3", Username: "me", Password: pinsetter.NewSecret("p", "pw")}
	for _, test := range []struct {
		env       map[string]string
		own       *pinsetter.Proxy
		url, want string
	}{
		{named, nil, "https://a.test/x", "http://low.test:1"},
		{named, nil, "http://a.test/x", "http://up.test:2"},
		{named, nil, "http://in.test/x", ""},
		{named, nil, "http://127.0.0.1/x", ""},
		{named, own, "http://in.test/x", "socks5://me:pw@own.test:3"},
		{nil, &pinsetter.Proxy{Address: "http://own.test"}, "https://a.test", "http://own.test"},
	} {
		find, err := Environment{Getenv: func(name string) string { return test.env[name] }}.Proxies(test.own)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodGet, test.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		found, err := find(r)
		got := ""
		if found != nil {
			got = found.String()
		}
		if err != nil || got != test.want {
			t.Errorf("%s: %q %v; want %q", test.url, got, err, test.want)
		}
	}
	if find, err := (Environment{}).Proxies(nil); find != nil || err != nil {
		t.Errorf("without an environment: %v", err)
	}
	if _, err := (Environment{}).Proxies(&pinsetter.Proxy{Address: "own.test:3"}); err == nil {
		t.Error("an address that is no URL was taken")
	}
	find, err := Environment{Getenv: func(name string) string { return cgi[name] }}.Proxies(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodGet, "http://a.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := find(r); found != nil || err == nil {
		t.Errorf("a proxy that a request could name: %v %v", found, err)
	}
}

// Behind a proxy it is the host of the URL that is checked, of each request.
func TestTransportRefusesMetadataBehindAProxy(t *testing.T) {
	proxy := seeing(t, 0, "")
	transport, err := Environment{}.Transport(Dialer{}, pinsetter.TLS{}, &pinsetter.Proxy{Address: proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: transport}
	for _, address := range []string{
		"http://169.254.169.254/", "https://169.254.169.254/", "http://2852039166/", "http://169.254.169.254./",
		"http://[fd00:ec2::254]/", "http://[fe80::1%25lo]/", "http://[::ffff:169.254.169.254]/", "http://metadata.google.internal/",
	} {
		if response, err := client.Get(address); !errors.Is(err, ErrRefusedAddress) {
			t.Errorf("%s: %v %v", address, response, err)
		}
	}
	if len(proxy.requests) > 0 {
		t.Errorf("the proxy was asked %d times", len(proxy.requests))
	}
	response, err := client.Get("http://git.invalid/")
	if err != nil || len(proxy.requests) != 1 {
		t.Fatalf("%d requests, %v", len(proxy.requests), err)
	}
	response.Body.Close()
}

func TestProxyPasswords(t *testing.T) {
	env := map[string]string{"HTTPS_PROXY": "http://me:pass-1@proxy.test:1", "http_proxy": "me:pass-2@proxy.test", "ALL_PROXY": "socks5://proxy.test"}
	s := new(Scrubber)
	s.Keep("proxies", Environment{Getenv: func(name string) string { return env[name] }}.ProxyPasswords()...)
	s.Keep("own", ProxySecrets(&pinsetter.Proxy{Username: "me", Password: pinsetter.NewSecret("key", "pass-3")})...)
	if got, want := s.Text("pass-1 me:pass-2 pass-3"), "[password of HTTPS_PROXY] me:[password of http_proxy] [key]"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
	if got := ProxySecrets(nil); got != nil {
		t.Error(got)
	}
}
