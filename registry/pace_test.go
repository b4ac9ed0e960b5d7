package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// dripping sends a byte every few milliseconds until whoever asks hangs up.
func dripping(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(5 * time.Millisecond)
	}
}

// silent never answers.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// hurried lets an answer take so little time that a test can wait for its end.
var hurried = registry.Options{Anonymous: true, Answer: 600 * time.Millisecond}

// TestSlowAnswersAreCutOff: whichever answer never ends, what asks for it ends long
// before its timeout, and says who is slow.
func TestSlowAnswersAreCutOff(t *testing.T) {
	tags := func(ctx context.Context, r *registry.Repository) error { _, err := r.Tags(ctx); return err }
	digest := func(ctx context.Context, r *registry.Repository) error { _, err := r.Digest(ctx, "1"); return err }
	content := func(ctx context.Context, r *registry.Repository) error {
		_, err := r.Content(ctx, "sha256:"+strings.Repeat("0", 64))
		return err
	}
	for name, test := range map[string]struct {
		slow http.HandlerFunc
		path string // that it answers
		ask  func(context.Context, *registry.Repository) error
		want string
	}{
		"ping, silent":        {silent, "/v2/", tags, "HOST gave no complete answer within 600ms"},
		"list, silent":        {silent, "/v2/app/tags/list", tags, "HOST gave no complete answer within 600ms"},
		"list, dripping":      {dripping, "/v2/app/tags/list", tags, "and 1024 a second is the least"},
		"next page, dripping": {dripping, "/v2/app/tags/list?last=1", tags, "and 1024 a second is the least"},
		"token, silent":       {silent, "/token", tags, "HOST gave no complete answer within 600ms"},
		"token, dripping":     {dripping, "/token", tags, "and 1024 a second is the least"},
		"digest, silent":      {silent, "/v2/app/manifests/1", digest, "HOST gave no complete answer within 600ms"},
		"content, dripping":   {dripping, "/v2/app/manifests/sha256:" + strings.Repeat("0", 64), content, "and 1024 a second is the least"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := served(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == test.path, strings.Contains(test.path, "?") && strings.HasPrefix(r.URL.RequestURI(), test.path):
					test.slow(w, r)
				case r.URL.Path == "/v2/" && strings.HasPrefix(test.path, "/token"):
					w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="s"`, r.Host))
					w.WriteHeader(http.StatusUnauthorized)
				case strings.HasSuffix(r.URL.Path, "/tags/list"):
					w.Header().Set("Link", `</v2/app/tags/list?last=1>; rel="next"`)
					_, _ = io.WriteString(w, `{"tags":["1"]}`)
				}
			})
			options := hurried
			if strings.HasSuffix(name, "dripping") { // its first byte has two thirds of the time to arrive
				options.Answer = 6 * time.Second
			}
			repository := openWith(t, options, server+"/app", registry.Access{Timeout: time.Hour})
			wantError(t, test.ask(t.Context(), repository), nil, server, test.want)
		})
	}
}

// TestALongListTakesLongerThanAnAnswer: each page has its time, and all of them
// together have the object's.
func TestALongListTakesLongerThanAnAnswer(t *testing.T) {
	const pages = 12
	server := served(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return
		}
		time.Sleep(hurried.Answer / 4)
		page := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &page)
		if page < pages-1 {
			w.Header().Set("Link", fmt.Sprintf(`</v2/app/tags/list?after=%d>; rel="next"`, page+1))
		}
		_, _ = fmt.Fprintf(w, `{"tags":["1.%02d"]}`, page)
	})
	listing, err := openWith(t, hurried, server+"/app", registry.Access{Timeout: time.Hour}).Tags(t.Context())
	if err != nil || len(listing.Tags) != pages {
		t.Fatalf("%d tags, %v", len(listing.Tags), err)
	}
}

// TestALongerTimeoutGivesAnAnswerLonger: that is the way out for a registry that is
// slow in earnest.
func TestALongerTimeoutGivesAnAnswerLonger(t *testing.T) {
	server := served(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			time.Sleep(2 * hurried.Answer)
			_, _ = io.WriteString(w, `{"tags":["1"]}`)
		}
	})
	wantTags(t, openWith(t, hurried, server+"/app", registry.Access{Timeout: time.Hour, Answer: time.Hour}), []string{"1"})
}

// served returns the address of a server.
func served(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	return parts.Serve(t, handler, parts.FrontOptions{}).Addr
}
