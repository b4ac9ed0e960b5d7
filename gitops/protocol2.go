package gitops

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// protocol2 speaks protocol v2 for go-git, which knows v0 and v1 alone: it asks
// the server only for the refs that a conversation needs, and hands out any
// object. Logins, redirects and what else a conversation has stay go-git's. A
// server without v2 is answered for as it answers.
type protocol2 struct {
	next   http.RoundTripper
	bounds Bounds
	known  atomic.Pointer[serverCaps] // of a server that said so where it was asked
}

// dialect is what one conversation agrees on; a context carries it.
type dialect struct {
	prefixes []string // of the refs to ask for; none: all
	v2       bool
}

type dialectKey struct{}

func (d *dialect) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, dialectKey{}, d)
}

const (
	infoRefs    = "/info/refs"
	uploadPack  = "/" + transport.UploadPackServiceName
	serviceLine = "001e# service=git-upload-pack\n0000"
	versionLine = "000eversion 2\n"
)

func (t *protocol2) RoundTrip(req *http.Request) (*http.Response, error) {
	d, reads := req.Context().Value(dialectKey{}).(*dialect)
	switch {
	case reads && req.Method == http.MethodGet:
		return t.advertise(req, d)
	case reads && d.v2:
		return t.fetch(req)
	}
	return t.next.RoundTrip(req)
}

// advertise answers the request for refs, in the words of v0.
func (t *protocol2) advertise(req *http.Request, d *dialect) (*http.Response, error) {
	if caps := t.known.Load(); caps != nil && req.Response == nil {
		res, err := t.refs(req, d, caps)
		if err == nil && res.StatusCode == http.StatusOK {
			return res, nil
		}
		t.known.Store(nil)
		if err == nil {
			_ = res.Body.Close()
		}
	}
	asked := req.Clone(req.Context())
	asked.Header.Set("Git-Protocol", "version=2")
	res, err := t.next.RoundTrip(asked)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	body := bufio.NewReader(res.Body)
	if !speaksV2(body) {
		d.v2 = false
		res.Body = readCloser{body, res.Body}
		return res, nil
	}
	caps, err := readCaps(body)
	_ = res.Body.Close()
	if err != nil {
		return failing(res, req, err), nil
	}
	if req.Response == nil { // it isn't where another server sent us
		t.known.Store(&caps)
	}
	return t.refs(req, d, &caps)
}

// speaksV2 reports whether a server answers in v2, and goes on to what follows.
func speaksV2(body *bufio.Reader) bool {
	for _, start := range []string{serviceLine + versionLine, versionLine} {
		if read, _ := body.Peek(len(start)); string(read) == start { // shorter ones aren't it
			_, _ = body.Discard(len(start))
			return true
		}
	}
	return false
}

// serverCaps are what a v2 server can do, in the words of v0.
type serverCaps []capability.Capability

// readCaps reads the rest of a capability advertisement.
func readCaps(body *bufio.Reader) (serverCaps, error) {
	caps := serverCaps{
		capability.OFSDelta, capability.Sideband64k, capability.NoProgress, capability.Agent,
		capability.AllowTipSHA1InWant, capability.AllowReachableSHA1InWant,
	}
	commands := 0
	for {
		kind, line, err := readPacket(body)
		if err != nil {
			return nil, err
		}
		if kind != packetData {
			break
		}
		name, value, _ := strings.Cut(string(line), "=")
		switch {
		case name == "object-format" && value != "sha1":
			return nil, errors.New(string(truncate(string(line), 100)))
		case name == "ls-refs":
			commands++
		case name == "fetch":
			commands++
			for feature := range strings.FieldsSeq(value) {
				if feature == "shallow" || feature == "filter" {
					caps = append(caps, capability.Capability(feature))
				}
			}
		}
	}
	if commands < 2 {
		return nil, errors.New("the server knows neither ls-refs nor fetch of protocol v2")
	}
	return caps, nil
}

// refs asks for refs.
func (t *protocol2) refs(req *http.Request, d *dialect, caps *serverCaps) (*http.Response, error) {
	body := new(bytes.Buffer)
	writeCommand(body, "ls-refs")
	writePacket(body, "peel")
	writePacket(body, "symrefs")
	for _, prefix := range d.prefixes {
		writePacket(body, "ref-prefix "+truncate(prefix, 1000))
	}
	writeMark(body, packetFlush)
	res, err := t.post(req, body)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	defer res.Body.Close()
	over := overBound("bytes for a list of refs", t.bounds.RefBytes)
	adv, err := readRefs(bufio.NewReader(&limitedReader{r: res.Body, left: t.bounds.RefBytes, over: over}))
	if err != nil {
		return failing(res, req, err), nil
	}
	for _, c := range *caps {
		var values []string
		if c == capability.Agent {
			values = []string{capability.DefaultAgent()}
		}
		_ = adv.Capabilities.Set(c, values...) // fails for the wrong number of values only
	}
	d.v2 = true
	said := new(bytes.Buffer)
	err = adv.Encode(said)
	return answering(res, req, io.MultiReader(said, failed{err})), nil
}

// readRefs reads the answer to ls-refs.
func readRefs(body *bufio.Reader) (*packp.AdvRefs, error) {
	adv := packp.NewAdvRefs()
	for {
		kind, line, err := readPacket(body)
		switch {
		case err != nil:
			return nil, err
		case kind != packetData:
			return adv, nil
		}
		if text, ok := bytes.CutPrefix(line, []byte("ERR ")); ok {
			return nil, errors.New(clean(string(text)))
		}
		if err := readRef(string(line), adv); err != nil {
			return nil, err
		}
	}
}

// readRef reads one line: hash, name and attributes.
func readRef(line string, adv *packp.AdvRefs) error {
	fields := strings.Split(line, " ")
	if len(fields) < 2 || !plumbing.IsHash(fields[0]) || fields[1] == "" || strings.ContainsFunc(line, isControl) {
		return fmt.Errorf("malformed ref %q", truncate(line, 100))
	}
	hash, name := plumbing.NewHash(fields[0]), fields[1]
	if name == "HEAD" {
		adv.Head = &hash
	} else {
		adv.References[name] = hash
	}
	for _, attribute := range fields[2:] {
		key, value, _ := strings.Cut(attribute, ":")
		switch {
		case key == "symref-target" && name == "HEAD" && value != "":
			_ = adv.Capabilities.Add(capability.SymRef, "HEAD:"+value) // fails for no value only
			adv.References[value] = hash
		case key == "peeled" && plumbing.IsHash(value):
			adv.Peeled[name] = plumbing.NewHash(value)
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// fetch asks for objects: a request of v0 is the same lines in another frame.
func (t *protocol2) fetch(req *http.Request) (*http.Response, error) {
	defer req.Body.Close()
	body, deepens, err := fetchCommand(bufio.NewReader(req.Body))
	if err != nil {
		return nil, err
	}
	res, err := t.post(req, body)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	over := overBound("bytes before a pack", t.bounds.RefBytes)
	head := &limitedReader{r: res.Body, left: t.bounds.RefBytes, over: over}
	rest := bufio.NewReader(head)
	start, err := readSections(rest, deepens)
	if err != nil {
		start = io.MultiReader(start, failed{err})
	}
	head.left = t.bounds.PackBytes + t.bounds.PackBytes/8 + 1<<20 // the pack's own bound is met before: this is for its frames
	res.Body = readCloser{io.MultiReader(start, rest), res.Body}
	return res, nil
}

// fetchCommand makes a request of v2 of one of v0 of ours, and reports whether it
// has a depth.
func fetchCommand(from *bufio.Reader) (*bytes.Buffer, bool, error) {
	const want = len("want ") + 2*len(plumbing.ZeroHash)
	body, deepens, thin := new(bytes.Buffer), false, false
	writeCommand(body, "fetch")
	writePacket(body, "no-progress")
	writePacket(body, "ofs-delta")
	for {
		if _, err := from.Peek(1); err == io.EOF {
			writeMark(body, packetFlush)
			return body, deepens, nil
		}
		kind, line, err := readPacket(from)
		if err != nil {
			return nil, false, err
		}
		if kind != packetData {
			continue
		}
		text := string(line)
		if strings.HasPrefix(text, "want ") && len(text) > want {
			text = text[:want] // capabilities follow the first
		}
		if strings.HasPrefix(text, "shallow ") && !thin {
			thin = true
			writePacket(body, "thin-pack")
		}
		deepens = deepens || strings.HasPrefix(text, "deepen ")
		writePacket(body, text)
	}
}

// readSections reads what comes before a pack, and returns it as v0 has it.
func readSections(from *bufio.Reader, deepens bool) (io.Reader, error) {
	start := new(bytes.Buffer)
	for {
		kind, line, err := readPacket(from)
		if err != nil {
			return start, err
		}
		text := string(line)
		switch {
		case strings.HasPrefix(text, "ERR "):
			start.Reset()
			fmt.Fprintf(start, "%04x%s", len(text)+4, text)
			return start, nil
		case text == "packfile":
			if deepens {
				writeMark(start, packetFlush)
			}
			writePacket(start, "NAK")
			return start, nil
		case deepens && (strings.HasPrefix(text, "shallow ") || strings.HasPrefix(text, "unshallow ")):
			writePacket(start, text)
		case kind == packetFlush, kind == packetEnd:
			return start, errors.New("the server sent no pack")
		}
	}
}

// writeCommand begins a request.
func writeCommand(to *bytes.Buffer, command string) {
	writePacket(to, "command="+command)
	writePacket(to, "agent="+capability.DefaultAgent())
	writePacket(to, "object-format=sha1")
	writeMark(to, packetDelim)
}

// post sends a command to where req was sent, as who sent it.
func (t *protocol2) post(req *http.Request, body *bytes.Buffer) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.Method, sent.URL = http.MethodPost, commandURL(req.URL)
	sent.Header.Set("Git-Protocol", "version=2")
	sent.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	sent.Header.Set("Accept", "application/x-git-upload-pack-result")
	sent.Header.Del("Content-Length")
	content := body.Bytes()
	sent.ContentLength = int64(len(content))
	sent.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	sent.Body, _ = sent.GetBody()
	res, err := t.next.RoundTrip(sent)
	if err == nil {
		res.Request = req
		if res.StatusCode/100 == 3 {
			_ = res.Body.Close()
			return nil, fmt.Errorf("the server redirects a command of protocol v2 (%s)", res.Status)
		}
	}
	return res, err
}

// commandURL returns the address for commands beside that of refs.
func commandURL(u *url.URL) *url.URL {
	to := *u
	to.RawQuery = ""
	for _, path := range []*string{&to.Path, &to.RawPath} {
		if before, ok := strings.CutSuffix(*path, infoRefs); ok {
			*path = before + uploadPack
		}
	}
	return &to
}

// answering returns an answer to req with another body.
func answering(res *http.Response, req *http.Request, body io.Reader) *http.Response {
	made := *res
	made.Request, made.Body, made.ContentLength = req, io.NopCloser(body), -1
	made.Header = http.Header{"Content-Type": {"application/x-git-upload-pack-advertisement"}}
	return &made
}

// failing returns an answer to req that can't be read.
func failing(res *http.Response, req *http.Request, err error) *http.Response {
	return answering(res, req, failed{err})
}

// failed is a reader that fails, or has ended.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

// readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
}
