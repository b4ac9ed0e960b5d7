package parts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
)

// RegistryOptions configure a registry in this process. The zero value answers
// at once and gives pages of any requested size.
type RegistryOptions struct {
	FrontOptions

	// PageSize bounds the tags on a page, also if no size is requested. 0: no
	// bound.
	PageSize int

	// Tokens issues the bearer tokens that this registry requires. Nil: none.
	Tokens *TokenServer
}

// Registry is go-containerregistry's registry, in this process and in memory.
// It pages tag lists as the OCI distribution specification requires.
type Registry struct {
	Front
	Shelf

	pages *pages
}

// NewRegistry starts a registry that ends with t.
func NewRegistry(t T, o RegistryOptions) *Registry {
	t.Helper()
	p := &pages{
		next: registry.New(registry.Logger(quiet), registry.WithReferrersSupport(true)),
		size: o.PageSize,
		tags: map[string][]string{},
	}
	var answers http.Handler = p
	if o.Tokens != nil {
		answers = o.Tokens.demand(p)
	}
	front := Serve(t, answers, o.FrontOptions)
	return &Registry{
		Front: front,
		Shelf: Shelf{t: t, addr: front.Addr, transport: directTransport{p}},
		pages: p,
	}
}

// SetTags makes the registry list exactly these tags for an image, in this
// order, whether they exist or not, like a registry with nonsense answers. A
// later push adds to them.
func (r *Registry) SetTags(image string, tags ...string) {
	r.pages.mu.Lock()
	defer r.pages.mu.Unlock()
	r.pages.tags[image] = slices.Clone(tags)
}

// pages answers tag lists for the registry next, which cuts lists at n without
// a link to the rest. It learns the tags from the manifests that pass.
type pages struct {
	next http.Handler
	size int

	mu   sync.Mutex
	tags map[string][]string
}

func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	if image, ok := strings.CutSuffix(path, "/tags/list"); ok && r.Method == http.MethodGet {
		p.list(w, r, image)
		return
	}
	status := http.StatusOK
	p.next.ServeHTTP(&statusWriter{ResponseWriter: w, note: func(s int) { status = s }}, r)
	image, reference, ok := cutLast(path, "/manifests/") // which may stand in the image's name too
	if ok && status < 300 && !strings.Contains(reference, ":") {
		p.learn(r.Method, image, reference)
	}
}

// cutLast is strings.Cut around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// learn records that a tag was pushed or deleted.
func (p *pages) learn(method, image, tag string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i, known := slices.BinarySearch(p.tags[image], tag)
	switch {
	case method == http.MethodPut && !known:
		p.tags[image] = slices.Insert(p.tags[image], i, tag)
	case method == http.MethodDelete && known:
		p.tags[image] = slices.Delete(p.tags[image], i, i+1)
	}
}

// list sends a page of an image's tags: at most n, after last.
func (p *pages) list(w http.ResponseWriter, r *http.Request, image string) {
	p.mu.Lock()
	tags, known := slices.Clone(p.tags[image]), p.tags[image] != nil
	p.mu.Unlock()
	if !known {
		http.Error(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}`, http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	if last := query.Get("last"); last != "" {
		tags = behind(tags, last)
	}
	n, err := strconv.Atoi(query.Get("n"))
	if err != nil || p.size > 0 && n > p.size {
		n = p.size
	}
	if n > 0 && n < len(tags) {
		tags = tags[:n]
		more := url.Values{"n": {strconv.Itoa(n)}, "last": {tags[n-1]}}
		w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.Path, more.Encode()))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"name": image, "tags": tags})
}

// behind returns the tags after last, which may have been deleted since.
func behind(tags []string, last string) []string {
	if i := slices.Index(tags, last); i >= 0 {
		return tags[i+1:]
	}
	i, _ := slices.BinarySearch(tags, last)
	return tags[i:]
}

// directTransport sends requests to a handler in this process, without the network, the
// log and the login.
type directTransport struct{ handler http.Handler }

func (d directTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	d.handler.ServeHTTP(answer, r)
	response := answer.Result()
	response.Request = r
	return response, nil
}
