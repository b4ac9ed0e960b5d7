package hook

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRepeated: a signed delivery that is sent again and again asks for a look at once
// and at the end of each pause, and another content isn't put off by it. A receiver
// that checks nothing looks each time.
func TestRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signed, open := door("generic-hmac"), door("generic")
		open.Name.Name = "open"
		h := serve(t, signed, open)
		deliver := func(body string) {
			if got := h.deliver(Path(signed), body, map[string]string{"X-Signature": "sha256=" + sign(sha256.New, token, body)}); got != http.StatusOK {
				t.Errorf("status %d", got)
			}
		}
		wakes := func(want int) {
			t.Helper()
			synctest.Wait()
			if got := h.woken(); got != want {
				t.Errorf("%d looks, want %d", got, want)
			}
		}
		for range 50 {
			deliver("{}")
		}
		wakes(1)
		deliver("{ }")
		wakes(2)
		time.Sleep(repeatPause)
		wakes(3)
		for range 50 {
			deliver("{}")
		}
		wakes(3)
		time.Sleep(repeatPause)
		wakes(4)
		time.Sleep(repeatPause)
		deliver("{}")
		wakes(5)
		for range 3 {
			h.deliver(Path(open), "", nil)
		}
		wakes(8)
	})
}

// TestFailed: a delivery that can't be passed on is answered with 503, and looked at as
// soon as the sender tries again. If a repeated one fails at the end of its pause, that
// is said.
func TestFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signed := door("generic-hmac")
		h := serve(t, signed)
		deliver := func(want int) {
			t.Helper()
			if got := h.deliver(Path(signed), "{}", map[string]string{"X-Signature": "sha256=" + sign(sha256.New, token, "{}")}); got != want {
				t.Errorf("status %d, want %d", got, want)
			}
		}
		h.broken = errors.New("the state is away")
		deliver(http.StatusServiceUnavailable)
		h.broken = nil
		deliver(http.StatusOK)
		if h.woken() != 1 {
			t.Errorf("%d looks", h.woken())
		}
		h.broken = errors.New("the state is away")
		deliver(http.StatusOK) // repeated
		time.Sleep(repeatPause)
		synctest.Wait()
		want := "pass on a delivery for Receiver " + signed.Name.String() + ": the state is away"
		if len(h.refused) != 2 || !strings.HasSuffix(h.refused[0], want) || !strings.HasSuffix(h.refused[1], want) {
			t.Errorf("said %q", h.refused)
		}
	})
}

// TestMethods: only POST delivers.
func TestMethods(t *testing.T) {
	r := door("generic")
	h := serve(t, r)
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodPut, http.MethodOptions, strings.Repeat("X", 1000)} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, Path(r), http.NoBody))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
			t.Errorf("%.10s: status %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
	if len(h.wakes) != 0 || len(h.refused) != 6 || len(h.refused[5]) > 200 {
		t.Errorf("wakes %v, refused %.300q", h.wakes, h.refused)
	}
}
