package parts

import (
	"net/http"
	"testing"
)

func TestToxiproxySpoilsAndMends(t *testing.T) {
	proxy := NewToxiproxy(t)
	hello := Serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), FrontOptions{})
	link := proxy.Before(hello.Addr)
	ask := func() error {
		response, err := http.Get("http://" + link.Addr)
		if err == nil {
			err = response.Body.Close()
		}
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	link.Spoil("reset_peer", map[string]any{"timeout": 0})
	if err := ask(); err == nil {
		t.Error("nothing is spoilt")
	}
	proxy.Mend()
	if err := ask(); err != nil {
		t.Errorf("it isn't mended: %v", err)
	}
}
