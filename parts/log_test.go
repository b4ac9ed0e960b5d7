package parts

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestLogCountsBytes(t *testing.T) {
	const size = 10_000
	front := Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}), FrontOptions{})
	for range 2 {
		front.Log.Reset()
		response, err := http.Post(front.URL, "text/plain", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		received, sent := front.Log.Bytes()
		if received < size || received > size+1000 || sent < size || sent > size+1000 {
			t.Errorf("%d bytes received, %d sent", received, sent)
		}
	}
}
