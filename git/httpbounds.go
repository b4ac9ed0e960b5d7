package git

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Bounds on answers that are short where nobody means harm: an error's text,
// and the report of a push with what hooks print.
const (
	errorBytes  = 16 << 10
	reportBytes = 4 << 20
)

// boundedTransport bounds what is read of each answer but packs, and empties
// error pages that are made for browsers.
type boundedTransport struct {
	base   http.RoundTripper
	bounds Bounds
}

func (t *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		res.Body = errorPage(res)
	case strings.HasSuffix(req.URL.Path, "/git-receive-pack"):
		return res, readReport(res)
	case req.Method == http.MethodGet:
		res.Body = drained{LimitReader(res.Body, t.bounds.RefBytes, "bytes for a list of refs"), res.Body}
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

// errorPage returns the first part of an error's text; nothing of HTML.
func errorPage(res *http.Response) io.ReadCloser {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if strings.Contains(kind, "html") {
		return drained{strings.NewReader(""), res.Body}
	}
	return drained{io.LimitReader(res.Body, errorBytes), res.Body}
}

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
