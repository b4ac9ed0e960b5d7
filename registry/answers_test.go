package registry_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/taglist"
)

// answering serves the handler for everything but the ping.
func answering(t *testing.T, handler http.HandlerFunc) parts.Front {
	t.Helper()
	return parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			handler(w, r)
		}
	}), parts.FrontOptions{})
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}
}

// wantError fails unless err is of the kind (nil: any) and has this text, in
// which HOST stands for the server.
func wantError(t *testing.T, err error, kind error, host, text string) {
	t.Helper()
	want := strings.ReplaceAll(text, "HOST", host)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error is\n%v\nwant it to say\n%s", err, want)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("error %q is not %q", err, kind)
	}
	if strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c == 0x7f }) {
		t.Errorf("error %q has control characters", err)
	}
}

func TestTagsOfBadAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   error
		want   string
	}{
		"HTML": {200, "<!DOCTYPE html><html>\x1b[31mlogin</html>", nil,
			`list tags of HOST/org/app: the answer is not a list of tags: at byte 0: expected a JSON object (Content-Type "text/html; charset=utf-8", begins with "<!DOCTYPE html><html>\x1b[31mlogin</html>"); is HOST a registry, or a login page or proxy before one?`},
		"empty list": {200, `{"name":"org/app","tags":[]}`, registry.ErrEmpty,
			`list tags of HOST/org/app: the registry answers with an empty list; was something pushed there`},
		"null":                   {200, `{"name":"org/app","tags":null}`, registry.ErrEmpty, `an empty list`},
		"no tags":                {200, `{"name":"org/app"}`, nil, `there is no tags in it`},
		"nothing":                {200, ``, nil, `it ends at byte 0, and a JSON object was expected`},
		"cut off":                {200, `{"tags":["1.0.0","1.1`, nil, `it ends at byte 21, and the end of a string was expected`},
		"a tag that is a number": {200, `{"tags":["1.0.0",2]}`, nil, `at byte 17: expected a string`},
		"two lists":              {200, `{"tags":["1.0.0"],"tags":["2.0.0"]}`, nil, `tags appears twice`},
		"two answers":            {200, `{"tags":["1.0.0"]}{"tags":["2.0.0"]}`, nil, `at byte 18: expected the end`},
		"only malformed tags": {200, `{"tags":["-a","\u001b[2J"]}`, registry.ErrEmpty,
			`none of its 2 tags is in the grammar of the OCI specification, such as "-a"`},
		"404": {404, `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}`, registry.ErrNotFound,
			`list tags of HOST/org/app: 404 Not Found: NAME_UNKNOWN: repository name not known to registry`},
		"404 with a page": {404, "<html>\x1b]0;x\a", registry.ErrNotFound, `list tags of HOST/org/app: 404 Not Found`},
		"hostile message": {400, `{"errors":[{"code":"X","message":"\u001b[2Jgone\nlist tags of trusted: fine"}]}`, nil,
			`400 Bad Request: "X: \x1b[2Jgone\nlist tags of trusted: fine"`},
		"401 without credentials": {401, ``, registry.ErrDenied,
			`401 Unauthorized; it was asked without credentials: if it is private, name a Secret of type kubernetes.io/dockerconfigjson in secretRef, or log in with docker login HOST`},
		"403": {403, `{"errors":[{"code":"DENIED"}]}`, registry.ErrDenied, `403 Forbidden: DENIED; it was asked without credentials`},
		"418": {418, ``, nil, `list tags of HOST/org/app: 418 I'm a teapot`},
	} {
		t.Run(name, func(t *testing.T) {
			server := answering(t, answer(test.status, test.body))
			_, err := open(t, server.Addr+"/org/app", registry.Access{}).Tags(t.Context())
			wantError(t, err, test.kind, server.Addr, test.want)
		})
	}
}

func TestTagsDropsWhatIsNoTag(t *testing.T) {
	long := strings.Repeat("a", 300)
	server := answering(t, answer(200, `{"child":[],"manifest":{"sha256:1":{"tag":["x"],"n":-1.5e3}},"tags":
		["1.0.0", "a\nb", "\u001b[31mred", "", "../x", "1.0.0+b", "ok", "`+long+`", "\u202edesrever"]}`))
	got, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := taglist.Listing{
		Tags:         []string{"ok", "1.0.0"},
		Dropped:      []string{`"a\nb"`, `"\x1b[31mred"`, `""`, `"../x"`, `"1.0.0+b"`, `"` + long[:200] + `"…`, `"\u202edesrever"`},
		DroppedCount: 7,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("listing (-want +got):\n%s", diff)
	}
}

func TestTagsKeepsAFewOfManyDropped(t *testing.T) {
	server := answering(t, answer(200, `{"tags":["ok"`+strings.Repeat(`,"-"`, 5000)+`]}`))
	got, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Dropped) != 100 || got.DroppedCount != 5000 {
		t.Errorf("%d dropped of %d; want 100 of 5000", len(got.Dropped), got.DroppedCount)
	}
}

// A million tags are read; one more is an error, and so are too many bytes.
func TestTagsOfAMillion(t *testing.T) {
	for name, test := range map[string]struct {
		count int
		tail  string
		want  string
	}{
		"a million":         {1_000_000, "", ""},
		"a million and one": {1_000_001, "", "more than 1000000 tags, which is more than is read of one image; delete old tags in the registry"},
		"too many bytes":    {600_000, strings.Repeat("x", 110), "the list is larger than 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			server := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				var body strings.Builder
				body.WriteString(`{"tags":["first"`)
				for i := range test.count - 1 {
					fmt.Fprintf(&body, `,"%07d%s"`, i, test.tail)
				}
				body.WriteString(`]}`)
				_, _ = fmt.Fprint(w, body.String())
			})
			got, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
			if test.want != "" {
				wantError(t, err, nil, server.Addr, test.want)
				return
			}
			if err != nil || len(got.Tags) != test.count || got.Tags[0] != "first" {
				t.Fatalf("%d tags, %v", len(got.Tags), err)
			}
		})
	}
}

func TestTagsOfASlowDrip(t *testing.T) {
	server := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, `{"tags":[`)
		for r.Context().Err() == nil {
			_, _ = fmt.Fprint(w, " ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	began := time.Now()
	_, err := open(t, server.Addr+"/org/app", registry.Access{Timeout: 300 * time.Millisecond}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "list tags of HOST/org/app: no complete answer within 300ms (the object's timeout, else its interval): the answer broke off after ")
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %s", took)
	}
}

func TestTagsOfASilentHost(t *testing.T) {
	server := parts.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}), parts.FrontOptions{})
	_, err := open(t, server.Addr+"/org/app", registry.Access{Insecure: true, Timeout: 300 * time.Millisecond}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "no complete answer within 300ms (the object's timeout, else its interval): wait for the first answer of HOST: context deadline exceeded")
}

func TestTagsWhereNothingListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	_ = listener.Close()
	o := quick(registry.Options{})
	_, err = openWith(t, o, host+"/org/app", registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, host, "list tags of HOST/org/app: dial tcp HOST: connect: connection refused; nothing listens there, or a firewall refuses it")
}

func TestTagsOfAHostThatIsNot(t *testing.T) {
	o := quick(registry.Options{})
	_, err := openWith(t, o, "registry.invalid/app", registry.Access{Timeout: 10 * time.Second}).Tags(t.Context())
	if err == nil || !strings.Contains(err.Error(), "registry.invalid") {
		t.Fatalf("error is %v", err)
	}
}

func TestTagsWherePingIsNoRegistry(t *testing.T) {
	server := parts.Serve(t, http.NotFoundHandler(), parts.FrontOptions{})
	_, err := open(t, server.Addr+"/app", registry.Access{}).Tags(t.Context())
	wantError(t, err, nil, server.Addr, "list tags of HOST/app: http://HOST/v2/ answers 404 Not Found: 404 page not found; is it a registry?")
}

func TestTagsRefusesMetadataAddresses(t *testing.T) {
	for _, image := range []string{"169.254.169.254/latest/meta-data", "[fd00:ec2::254]/x", "0.0.0.0:5000/app", "100.100.100.200/app"} {
		_, err := open(t, image, registry.Access{Timeout: 5 * time.Second, Insecure: true}).Tags(t.Context())
		if err == nil || !strings.Contains(err.Error(), "refused address: ") {
			t.Errorf("%s: error is %v", image, err)
		}
	}
}
