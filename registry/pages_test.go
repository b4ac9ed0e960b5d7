package registry_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// pager is a registry that pages as its fields say.
type pager struct {
	tags   []string
	own    int    // tags a page where none are asked for; 0: all
	most   int    // what more is cut to where any number is asked for; 0: no bound
	refuse int    // more than this is 400; 0: nothing is
	link   string // format of the Link header with path and query; "": `<%s?%s>; rel="next"`
}

func (p pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutSuffix(r.URL.Path, "/tags/list")
	if !ok {
		return // the ping
	}
	query := r.URL.Query()
	n, _ := strconv.Atoi(query.Get("n"))
	if p.refuse > 0 && n > p.refuse {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"errors":[{"code":"UNSUPPORTED","message":"Invalid parameter at 'maxResults'"}]}`)
		return
	}
	if p.most > 0 {
		n = min(n, p.most)
	}
	n = cmp.Or(n, p.own, len(p.tags))
	start, _ := strconv.Atoi(query.Get("last"))
	end := min(start+n, len(p.tags))
	if end < len(p.tags) {
		next := url.Values{"n": {"0"}, "last": {strconv.Itoa(end)}} // GHCR writes n=0
		w.Header().Set("Link", fmt.Sprintf(cmp.Or(p.link, `<%s?%s>; rel="next"`), path+"/tags/list", next.Encode()))
	}
	_, _ = fmt.Fprintf(w, `{"name":%q,"tags":["%s"]}`, path, strings.Join(p.tags[start:end], `","`))
}

func TestTagsOfEveryPage(t *testing.T) {
	for name, test := range map[string]struct {
		pager
		first  int // requests for the first image
		second int // and for another image of the same host
	}{
		"all at once":                {pager{tags: numbered(5000)}, 1, 1},
		"all at once, would cut":     {pager{tags: numbered(5000), most: 1000}, 1, 1},
		"small pages, large on ask":  {pager{tags: numbered(5000), own: 100}, 2, 1},
		"small pages, cut to 1000":   {pager{tags: numbered(2500), own: 100, most: 1000}, 4, 3},
		"refuses more than 1000":     {pager{tags: numbered(2500), own: 100, refuse: 1000}, 5, 3},
		"refuses any other than 100": {pager{tags: numbered(250), own: 100, refuse: 100}, 5, 3},
		"one full page":              {pager{tags: numbered(100), own: 100}, 1, 1},
		"link without rel":           {pager{tags: numbered(250), own: 100, link: `<%s?%s>`}, 2, 1},
		"link over plain HTTP":       {pager{tags: numbered(250), own: 100, link: `<http://HOST%s?%s>; rel="next"`}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				p := test.pager
				p.link = strings.ReplaceAll(p.link, "HOST", r.Host)
				p.ServeHTTP(w, r)
			}), parts.FrontOptions{})
			asks := registry.New(registry.Options{Anonymous: true})
			for i, want := range []int{test.first, test.second} {
				server.Log.Reset()
				repository, err := asks.Repository(fmt.Sprintf("%s/org/app%d", server.Addr, i), registry.Access{})
				if err != nil {
					t.Fatal(err)
				}
				wantTags(t, repository, test.tags)
				if got := server.Log.Count(http.MethodGet, "/tags/list"); got != want {
					t.Errorf("image %d: %d requests; want %d", i, got, want)
				}
			}
		})
	}
}

func TestTagsRefusesBadPages(t *testing.T) {
	page := func(link string, tags ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			at, _ := strconv.Atoi(r.URL.Query().Get("last"))
			if link != "" {
				w.Header().Set("Link", strings.ReplaceAll(link, "NEXT", strconv.Itoa(at+1)))
			}
			body := `{"tags":["` + strings.Join(tags, `","`) + `"]}`
			_, _ = fmt.Fprint(w, strings.ReplaceAll(strings.ReplaceAll(body, `[""]`, `[]`), "NEXT", strconv.Itoa(at)))
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"a page that links to itself": {
			page(`<?last=7>; rel="next"`, "a-NEXT"), "the pages go round in circles: page 2 links to one that was read before"},
		"pages that say the same": {
			page(`<?last=NEXT>; rel="next"`, "a"), `the pages go round in circles: two pages begin with the tag "a"`},
		"pages without tags and without end": {
			page(`<?last=NEXT>; rel="next"`), "11 pages in a row have no tag"},
		"another host": {
			page(`<https://elsewhere.example/v2/app/tags/list?last=b>; rel="next"`, "a"),
			`the Link to the next page leads away from 127.0.0.1:PORT: "https://elsewhere.example/v2/app/tags/list?last=b"; it is not followed`},
		"another port": {
			page(`<http://127.0.0.1:1/v2/app/tags/list?last=b>; rel="next"`, "a"), "leads away from 127.0.0.1:PORT"},
		"a host that looks like it": {
			page(`<//127.0.0.1@evil.example/x>; rel="next"`, "a"), "leads away"},
		"another scheme": {
			page(`<file:///etc/passwd>; rel="next"`, "a"), "leads away"},
		"half a link": {
			page(`<?last=b; rel="next"`, "a"), `malformed Link header "<?last=b; rel=\"next\""`},
	} {
		t.Run(name, func(t *testing.T) {
			server := parts.Serve(t, test.handler, parts.FrontOptions{})
			_, err := open(t, server.Addr+"/app", registry.Access{Timeout: 10 * time.Second}).Tags(t.Context())
			want := strings.ReplaceAll(test.want, "127.0.0.1:PORT", server.Addr)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("error is\n%v; want it to say\n%s", err, want)
			}
			if n := server.Log.Count("", ""); n > 20 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestTagsEndsOnPagesThatNeverDo(t *testing.T) {
	server := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := strconv.Atoi(r.URL.Query().Get("last"))
		w.Header().Set("Link", fmt.Sprintf(`<?last=%d>; rel="next"`, at+1))
		_, _ = fmt.Fprintf(w, `{"tags":["a-%d"]}`, at)
	}), parts.FrontOptions{})
	_, err := open(t, server.Addr+"/app", registry.Access{Timeout: time.Second}).Tags(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no complete answer within 1s") && !strings.Contains(err.Error(), "more than 10000 pages") {
		t.Fatalf("error is %v", err)
	}
}

// Gitea links from its last page too, to an empty one.
func TestTagsOfALinkToNothing(t *testing.T) {
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("last") != "" {
			answer(200, `{"name":"org/app","tags":[]}`)(w, r)
			return
		}
		w.Header().Set("Link", `</v2/org/app/tags/list?last=1.1.0>; rel="next"`)
		answer(200, `{"name":"org/app","tags":["1.0.0","1.1.0"]}`)(w, r)
	})
	repository := openWith(t, registry.Options{Anonymous: true, Keep: 1 << 20}, server.Addr+"/org/app", registry.Access{})
	for _, unchanged := range []bool{false, true} {
		got, err := repository.Tags(t.Context())
		if err != nil || !slices.Equal(got.Tags, []string{"1.1.0", "1.0.0"}) || got.Unchanged != unchanged {
			t.Errorf("tags are %q, unchanged %t, %v", got.Tags, got.Unchanged, err)
		}
	}
}

// inFlight counts requests for tags, and how many there are at once.
type inFlight struct{ all, now, most atomic.Int64 }

func (f *inFlight) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tags/list") {
			f.all.Add(1)
			n := f.now.Add(1)
			defer f.now.Add(-1)
			for most := f.most.Load(); n > most && !f.most.CompareAndSwap(most, n); {
				most = f.most.Load()
			}
			time.Sleep(2 * time.Millisecond)
		}
		next.ServeHTTP(w, r)
	})
}

func TestTagsReadsPagesAtOnce(t *testing.T) {
	var flights inFlight
	server := parts.NewRegistry(t, parts.RegistryOptions{PageSize: 10,
		FrontOptions: parts.FrontOptions{Around: flights.around}})
	tags := numbered(1000)
	server.SetTags("app", tags...)
	repository := openWith(t, registry.Options{Anonymous: true, Keep: 1 << 20}, server.Image("app"), registry.Access{})
	wantTags(t, repository, tags)
	if all, most := flights.all.Load(), flights.most.Load(); all > 200 || most < 3 || most > 16 {
		t.Errorf("%d requests, %d at once; want at most 200, and several, of 16 that may be", all, most)
	}

	// What was listed before says where pages may begin.
	flights.all.Store(0)
	tags = append(tags, "0.1.0", "1.0.000500-1", "1.0.1", "2.0.0")
	slices.Sort(tags)
	server.SetTags("app", tags...)
	wantTags(t, repository, tags)
	if all := flights.all.Load(); all > 130 {
		t.Errorf("%d requests the second time; want few more than 100", all)
	}
}

// A registry that doesn't know how to begin behind a tag that it hasn't is read
// in sequence, and so are the other images of its host.
func TestTagsReadsInSequenceWhereItMust(t *testing.T) {
	tags := make([]string, 300)
	for i := range tags {
		tags[i] = fmt.Sprintf("%06x", i*4099)
	}
	for name, answers := range map[string]http.HandlerFunc{
		"an error":         answer(404, `{"errors":[{"code":"TAG_UNKNOWN"}]}`),
		"nothing":          answer(200, `{"tags":[]}`),
		"the first page":   answer(200, `{"tags":["`+strings.Join(tags[:10], `","`)+`"]}`),
		"one tag too many": answer(200, `{"tags":["zzz"]}`),
		"no list":          answer(200, `<html>`),
	} {
		t.Run(name, func(t *testing.T) {
			server := parts.NewRegistry(t, parts.RegistryOptions{PageSize: 10, FrontOptions: parts.FrontOptions{
				Around: func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if last := r.URL.Query().Get("last"); last != "" && !slices.Contains(tags, last) {
							answers(w, r)
							return
						}
						next.ServeHTTP(w, r)
					})
				},
			}})
			r := registry.New(registry.Options{Anonymous: true})
			for i, most := range []int{40, 30} {
				image := fmt.Sprintf("app%d", i)
				server.SetTags(image, tags...)
				repository, err := r.Repository(server.Image(image), registry.Access{})
				if err != nil {
					t.Fatal(err)
				}
				wantTags(t, repository, tags)
				if got := server.Log.Count("", "/"+image+"/tags/list"); got > most {
					t.Errorf("image %d: %d requests; want at most %d", i, got, most)
				}
			}
		})
	}
}

// Bounds hold for pages that are read at once too.
func TestTagsReadsNoMoreAtOnce(t *testing.T) {
	padding := strings.Repeat(" ", 8<<20)
	server := parts.NewRegistry(t, parts.RegistryOptions{PageSize: 10, FrontOptions: parts.FrontOptions{
		Around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r)
				if r.URL.Query().Get("last") != "" {
					_, _ = fmt.Fprint(w, padding)
				}
			})
		},
	}})
	server.SetTags("app", numbered(1000)...)
	_, err := open(t, server.Image("app"), registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "the list is larger than 64 MiB")
}
