package parts

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"
)

func TestProxyForwards(t *testing.T) {
	ca := NewCA(t)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	plain := Serve(t, hello, FrontOptions{})
	secure := Serve(t, hello, FrontOptions{TLS: &TLS{CA: ca}})
	proxy := NewProxy(t, FrontOptions{User: "bot", Password: "secret"})
	for credentials, want := range map[string]int{"bot:secret@": http.StatusTeapot, "": http.StatusProxyAuthRequired} {
		through, err := url.Parse("http://" + credentials + proxy.Addr)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{Proxy: http.ProxyURL(through), TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		for _, target := range []string{plain.URL, secure.URL} {
			response, err := client.Get(target)
			if err != nil {
				if credentials != "" {
					t.Error(err)
				}
				continue
			}
			_ = response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s through %q: %s", target, credentials, response.Status)
			}
		}
	}
	if proxy.Log.Count(http.MethodConnect, "") != 2 || plain.Log.Count("", "") != 1 {
		t.Errorf("the proxy saw %v", proxy.Log.All())
	}
}
