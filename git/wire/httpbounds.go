package wire

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/git"
)

// Bounds on answers that are short unless somebody means harm: an error's text,
// and the report of a push with the output of hooks.
const (
	errorBytes  = 16 << 10
	reportBytes = 4 << 20
)

// PageError says that a server answered with a page that is made for people.
type PageError struct {
	Login bool   // as one does that wants to be logged in to
	From  string // the host
	Type  string // of what came; "" where nothing was read
}

func (e *PageError) Error() string {
	if e.Login {
		return "a login page of " + e.From + " came"
	}
	return fmt.Sprintf("%s has no Git over smart HTTP there: it answers with %q", e.From, pinsetter.Truncate(e.Type, 100))
}

// boundedTransport bounds each answer but packs, and refuses pages for people
// as answers of Git.
type boundedTransport struct {
	base   http.RoundTripper
	bounds git.Bounds
}

func (t *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	refs := req.Method == http.MethodGet
	if refs && req.Response != nil && !strings.HasSuffix(req.URL.Path, infoRefs) {
		return nil, &PageError{Login: true, From: Clean(req.URL.Host)} // as forges redirect to it
	}
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if page := pageOf(req, res); page != nil {
		_ = drained{res.Body, res.Body}.Close()
		return nil, page
	}
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		res.Body = drained{io.LimitReader(res.Body, errorBytes), res.Body}
	case strings.HasSuffix(req.URL.Path, "/git-receive-pack"):
		return res, readReport(res)
	case refs:
		res.Body = drained{git.LimitReader(res.Body, t.bounds.RefBytes, "bytes for a list of refs"), res.Body}
	}
	return res, nil
}

// readReport reads the answer to a push to its end: go-git doesn't, and the
// server's hooks may run until then.
func readReport(res *http.Response) error {
	defer res.Body.Close()
	report, err := io.ReadAll(io.LimitReader(res.Body, reportBytes))
	if err != nil {
		return fmt.Errorf("read the report of the push: %w", err)
	}
	res.Body = io.NopCloser(bytes.NewReader(report))
	return nil
}

// pageOf returns an error for an answer that is a page, else nil. Like git it
// goes by the content type of refs. Packs and reports don't begin like a page.
func pageOf(req *http.Request, res *http.Response) error {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	page := &PageError{From: Clean(req.URL.Host), Type: cmp.Or(kind, res.Header.Get("Content-Type"))}
	switch {
	case res.StatusCode == http.StatusNonAuthoritativeInfo && isHTML(kind): // Azure DevOps
		page.Login = true
		return page
	case res.StatusCode != http.StatusOK:
		return nil
	case req.Method == http.MethodGet && kind != "application/x-"+req.URL.Query().Get("service")+"-advertisement":
		return page
	case isHTML(kind):
		return page
	}
	return nil
}

func isHTML(kind string) bool { return strings.Contains(kind, "html") }

// drained reads from one and closes the other, after its last few bytes, so that
// the connection can be used again.
type drained struct {
	io.Reader
	body io.ReadCloser
}

func (d drained) Close() error {
	_, _ = io.CopyN(io.Discard, d.body, 4<<10) // to the end, as a rule; else the connection is given up
	return d.body.Close()
}
