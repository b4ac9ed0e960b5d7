package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// An error of a later page is one of that page, not of the image.
func TestErrorsNameTheirPage(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"404":     {404, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}`, "404 Not Found: NAME_UNKNOWN: repository name not known to registry"},
		"400":     {400, `bad cursor`, "400 Bad Request: bad cursor"},
		"204":     {204, ``, "204 No Content"},
		"no tags": {200, `{"name":"app"}`, "the answer is not a list of tags: there is no tags in it"},
		"401":     {401, ``, "401 Unauthorized; it was asked without"},
	} {
		server := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery != "" {
				answer(test.status, test.body)(w, r)
				return
			}
			w.Header().Set("Link", `</v2/app/tags/list?last=1.0.0&n=1>; rel="next"`)
			answer(200, `{"tags":["1.0.0"]}`)(w, r)
		})
		_, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
		wantError(t, err, nil, server.Addr, `list tags of HOST/app: page 2, which is the link "/v2/app/tags/list?last=1.0.0&n=1" of page 1: `+test.want)
		if isNotFound(err) {
			t.Errorf("%s: %v reads like an error of the image", name, err)
		}
	}
}

// Registries behind a proxy link to the path, port or host by which they know
// themselves: the query is enough.
func TestLinksByAnotherName(t *testing.T) {
	tags := numbered(250)
	for name, link := range map[string]string{
		"another path":            `</v2/app/tags/list?%s>; rel="next"`,
		"a prefix of its own":     `</repository/docker/v2/virtual/app/tags/list?%s>; rel="next"`,
		"a URL":                   `<http://HOST/v2/app/tags/list?%s>; rel="next"`,
		"a host without its port": `<http://127.0.0.1/v2/virtual/app/tags/list?%s>; rel="next"`,
		"a host of the inside":    `<https://registry.internal:5000/v2/app/tags/list?%s>; rel="next"`,
	} {
		server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v2/":
			case "/v2/virtual/app/tags/list":
				begin := 0
				for begin < len(tags) && tags[begin] <= r.URL.Query().Get("last") {
					begin++
				}
				page := tags[begin:min(begin+100, len(tags))]
				if begin+100 < len(tags) {
					query := url.Values{"last": {page[99]}, "n": {"100"}}
					w.Header().Set("Link", strings.ReplaceAll(fmt.Sprintf(link, query.Encode()), "HOST", r.Host))
				}
				_, _ = fmt.Fprintf(w, `{"tags":["%s"]}`, strings.Join(page, `","`))
			default:
				http.NotFound(w, r)
			}
		}), parts.FrontOptions{})
		got, err := open(t, server.Addr+"/virtual/app", registry.Access{}).Tags(t.Context())
		if err != nil || len(got.Tags) != len(tags) {
			t.Errorf("%s: %d tags, %v", name, len(got.Tags), err)
		}
	}
}

// A size of pages that a registry answers with any status is given up for a
// smaller one, and tried no more.
func TestPageSizesThatFail(t *testing.T) {
	for _, status := range []int{400, 404, 500} {
		server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("n") == "10000" {
				w.WriteHeader(status)
				return
			}
			pager{tags: numbered(2500), own: 100, most: 1000}.ServeHTTP(w, r)
		}), parts.FrontOptions{})
		asks := registry.New(quick(registry.Options{}))
		for i := range 2 {
			repository, err := asks.Repository(fmt.Sprintf("%s/app%d", server.Addr, i), registry.Access{})
			if err != nil {
				t.Fatal(err)
			}
			server.Log.Reset()
			wantTags(t, repository, numbered(2500))
			if n := len(server.Log.All()); i == 1 && n != 3 {
				t.Errorf("%d: %d requests for the second image; want 3", status, n)
			}
		}
	}
}

// An image that is missing says nothing about sizes of pages.
func TestMissingImagesKeepThePageSize(t *testing.T) {
	server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "missing") {
			http.NotFound(w, r)
			return
		}
		pager{tags: numbered(5000), own: 100}.ServeHTTP(w, r)
	}), parts.FrontOptions{})
	asks := registry.New(registry.Options{Anonymous: true})
	for _, image := range []string{"a", "missing", "b"} {
		repository, err := asks.Repository(server.Addr+"/"+image, registry.Access{})
		if err != nil {
			t.Fatal(err)
		}
		server.Log.Reset()
		_, err = repository.Tags(t.Context())
		if isNotFound(err) != (image == "missing") {
			t.Errorf("%s: %v", image, err)
		}
	}
	if n := len(server.Log.All()); n != 1 {
		t.Errorf("%d requests for 5000 tags; want a large page", n)
	}
}

func isNotFound(err error) bool { return errors.Is(err, registry.ErrNotFound) }
