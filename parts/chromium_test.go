package parts_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

func TestChromiumShowsAPageAsItIsLookedAt(t *testing.T) {
	front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<meta name="viewport" content="width=device-width">
			<p>at %s</p><a href="/next">next</a><script>console.log("ran " + location.pathname)</script>`, r.URL.Path)
	}), parts.FrontOptions{})
	browser := parts.NewChromium(t)

	browser.Open(front.URL+"/first", parts.View{Width: 390, Height: 800, Dark: true})
	var width int
	var dark bool
	browser.Eval("innerWidth", &width)
	browser.Eval("matchMedia('(prefers-color-scheme: dark)').matches", &dark)
	if width != 390 || !dark {
		t.Errorf("%d pixels, dark: %v", width, dark)
	}
	if said := browser.Said(); len(said) != 1 || !strings.Contains(said[0], "ran /first") {
		t.Errorf("said %q", said)
	}
	if _, err := png.Decode(bytes.NewReader(browser.Screenshot())); err != nil {
		t.Errorf("screenshot: %v", err)
	}
	browser.Follow("a")
	if text := browser.Text(); !strings.HasPrefix(text, "at /next") {
		t.Errorf("%q", text)
	}

	browser.Said()
	browser.Open(front.URL+"/quiet", parts.View{NoScript: true})
	if said := browser.Said(); len(said) != 0 || !strings.HasPrefix(browser.Text(), "at /quiet") {
		t.Errorf("said %q, shows %q", said, browser.Text())
	}
}
