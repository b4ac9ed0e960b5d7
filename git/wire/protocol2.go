// Package wire speaks Git's protocol over HTTP: version 2 for clients that know
// version 0, with bounds on what a server sends. It knows no branch policy.
package wire

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/git"
)

// Transport returns an HTTP transport for clients that know v0 of Git's
// protocol. With a server that knows v2, it asks only for the refs that a
// conversation needs (see Dialect), and offers any object by its hash. The
// answers of a server without v2 are passed on. It bounds the bytes that it
// reads. Agent is the name of this program in requests. It asks for the
// server's abilities once, and not at all if they are remembered.
func Transport(base http.RoundTripper, b git.Bounds, agent string, remembered git.Abilities) http.RoundTripper {
	b = b.WithDefaults()
	return &protocol2{next: &boundedTransport{base, b}, bounds: b, agent: agent, remembered: remembered}
}

// protocol2 speaks protocol v2 for a client of v0. Logins, redirects and the
// rest of a conversation stay the client's.
type protocol2 struct {
	next   http.RoundTripper
	bounds git.Bounds
	agent  string
	known  atomic.Pointer[serverCaps] // abilities of a server of v2; nil: not known

	remembered git.Abilities // from earlier runs
	once       sync.Once     // to load them
}

// Dialect is the agreement of one conversation. Its requests carry it in their
// contexts. A request without one, such as a push, is passed on unchanged.
type Dialect struct {
	Prefixes []string // of the refs to ask for; none: all
	v2       bool
	offers   []string // capabilities of a server of v0

	recalled  bool // the server's abilities weren't asked for in this conversation
	disagreed bool
}

// V2 reports whether the server answered the conversation in protocol v2: it
// sent the refs that were asked for, and no others.
func (d *Dialect) V2() bool { return d.v2 }

// Offers reports whether a server of v0 listed a capability without a value.
func (d *Dialect) Offers(capability string) bool { return slices.Contains(d.offers, capability) }

// Disagreed reports whether the server lacked an ability that was remembered of
// it. The abilities are forgotten then: another conversation asks for them.
func (d *Dialect) Disagreed() bool { return d.disagreed }

type dialectKey struct{}

// Context returns the context for the conversation's requests.
func (d *Dialect) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, dialectKey{}, d)
}

const (
	infoRefs    = "/info/refs"
	uploadPack  = "/git-upload-pack"
	serviceLine = "001e# service=git-upload-pack\n0000"
	versionLine = "000eversion 2\n"
)

func (t *protocol2) RoundTrip(req *http.Request) (*http.Response, error) {
	d, reads := req.Context().Value(dialectKey{}).(*Dialect)
	switch {
	case reads && req.Method == http.MethodGet:
		return escaped(t.advertise(req, d))
	case req.Method == http.MethodGet:
		return escaped(t.next.RoundTrip(req))
	case reads && d.v2:
		return t.fetch(req, d)
	}
	return t.next.RoundTrip(req)
}

// recall returns the server's abilities; nil: they aren't known.
func (t *protocol2) recall() *serverCaps {
	t.once.Do(func() {
		if found, known := t.remembered.Load(); known {
			caps := append(always(), found...)
			t.known.Store(&caps)
		}
	})
	return t.known.Load()
}

// learn remembers the server's abilities.
func (t *protocol2) learn(caps serverCaps) {
	t.known.Store(&caps)
	t.remembered.Save(caps)
}

// forget forgets the server's abilities.
func (t *protocol2) forget() {
	t.known.Store(nil)
	t.remembered.Forget()
}

// escaped returns an answer whose request has an escaped path for its path:
// go-git pastes it into the next URL.
func escaped(res *http.Response, err error) (*http.Response, error) {
	if err != nil || res.Request == nil {
		return res, err
	}
	asked, to := *res.Request, *res.Request.URL
	to.Path, to.RawPath = to.EscapedPath(), ""
	asked.URL = &to
	res.Request = &asked
	return res, nil
}

// advertise answers the request for refs, in the words of v0.
func (t *protocol2) advertise(req *http.Request, d *Dialect) (*http.Response, error) {
	d.recalled = false
	if caps := t.recall(); caps != nil && req.Response == nil {
		res, read, err := t.refs(req, d, caps)
		switch {
		case read:
			d.recalled = true
			return res, nil
		case err != nil && !errors.Is(err, errRedirected):
			return nil, err
		case err == nil:
			_ = res.Body.Close()
		}
		t.forget()
	}
	asked := req.Clone(req.Context())
	asked.Header.Set("Git-Protocol", "version=2")
	res, err := t.next.RoundTrip(asked)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	body := bufio.NewReaderSize(res.Body, len(serviceLine)+4+maxPacket)
	if !speaksV2(body) {
		d.v2, d.offers = false, peekCaps(body)
		res.Body = readCloser{body, res.Body}
		return res, nil
	}
	caps, err := readCaps(body)
	_ = res.Body.Close()
	if err != nil {
		return failing(res, req, err), nil
	}
	if req.Response == nil { // it isn't where another server sent us
		t.learn(caps)
	}
	res, _, err = t.refs(req, d, &caps)
	return res, err
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

// peekCaps returns the capabilities on the first line of refs of v0, none if
// there is no such line. It consumes nothing.
func peekCaps(body *bufio.Reader) []string {
	skip := 0
	if read, _ := body.Peek(len(serviceLine)); string(read) == serviceLine {
		skip = len(serviceLine)
	}
	size, _ := body.Peek(skip + 4)
	if len(size) < skip+4 {
		return nil
	}
	n, err := strconv.ParseUint(string(size[skip:]), 16, 16)
	if err != nil {
		return nil
	}
	line, _ := body.Peek(skip + min(int(n), 4+maxPacket)) // what is there of it
	_, caps, _ := strings.Cut(string(line), "\x00")
	return strings.Fields(caps)
}

// serverCaps are the abilities of a server of v2, in the words of v0.
type serverCaps []string

// always returns the abilities that every server of v2 has.
func always() serverCaps {
	return serverCaps{"ofs-delta", "side-band-64k", "no-progress", "allow-tip-sha1-in-want", "allow-reachable-sha1-in-want"}
}

// readCaps reads the rest of a capability advertisement.
func readCaps(body *bufio.Reader) (serverCaps, error) {
	caps, commands := always(), 0
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
			return nil, errors.New(pinsetter.Truncate(string(line), 100))
		case name == "ls-refs":
			commands++
		case name == "fetch":
			commands++
			for feature := range strings.FieldsSeq(value) {
				if slices.Contains(git.Features, feature) {
					caps = append(caps, feature)
				}
			}
		}
	}
	if commands < 2 {
		return nil, errors.New("the server knows neither ls-refs nor fetch of protocol v2")
	}
	return caps, nil
}

// refs asks for refs, and reports whether the answer is a list of them.
func (t *protocol2) refs(req *http.Request, d *Dialect, caps *serverCaps) (answer *http.Response, read bool, err error) {
	body := new(bytes.Buffer)
	t.writeCommand(body, "ls-refs")
	writePacket(body, "peel")
	writePacket(body, "symrefs")
	for _, prefix := range d.Prefixes {
		writePacket(body, "ref-prefix "+pinsetter.Truncate(prefix, 1000))
	}
	writeMark(body, packetFlush)
	res, err := t.post(req, body)
	if err != nil || res.StatusCode != http.StatusOK {
		return res, false, err
	}
	defer res.Body.Close()
	list, err := readRefs(bufio.NewReader(git.LimitReader(res.Body, t.bounds.RefBytes, "bytes for a list of refs")))
	if err != nil {
		return failing(res, req, err), false, nil
	}
	d.v2 = true
	said, err := list.advertise(append(slices.Clip(*caps), "agent="+t.agent))
	if err != nil {
		return failing(res, req, err), false, nil
	}
	return answering(res, req, said), true, nil
}

// refList is a server's answer to ls-refs.
type refList struct {
	head    *git.Hash // nil: there is none
	symrefs []string  // target of HEAD
	refs    map[string]git.Hash
	peeled  map[string]git.Hash // the commits of annotated tags
}

// advertise returns the list as a server of v0 writes it. The list is used up as that
// is read.
func (l *refList) advertise(caps []string) (io.Reader, error) {
	for _, target := range l.symrefs {
		caps = append(caps, "symref=HEAD:"+target)
	}
	a := &advertised{list: l, names: slices.Sorted(maps.Keys(l.refs))}
	first, hash := "capabilities^{}", git.Hash{}
	switch {
	case l.head != nil:
		first, hash = "HEAD", *l.head
	case len(a.names) > 0:
		first, hash = a.names[0], l.refs[a.names[0]]
	}
	a.first = first
	return a, writeLine(&a.line, hash.String()+" "+first+"\x00"+strings.Join(caps, " "))
}

// advertised reads a list line by line: all lines of a million refs at once would take
// as much again.
type advertised struct {
	list  *refList
	first string   // the name that the first line has
	names []string // those to come
	line  bytes.Buffer
	ended bool
}

func (a *advertised) Read(p []byte) (int, error) {
	for a.line.Len() == 0 {
		if a.ended {
			return 0, io.EOF
		}
		a.line.Reset()
		if err := a.next(); err != nil {
			return 0, err
		}
	}
	return a.line.Read(p)
}

// next writes the lines of the next ref, or the end.
func (a *advertised) next() error {
	if len(a.names) == 0 {
		a.ended = true
		writeMark(&a.line, packetFlush)
		return nil
	}
	name := a.names[0]
	a.names[0], a.names = "", a.names[1:]
	var err error
	if name != a.first {
		err = writeLine(&a.line, a.list.refs[name].String()+" "+name)
	}
	if hash, annotated := a.list.peeled[name]; annotated {
		err = cmp.Or(err, writeLine(&a.line, hash.String()+" "+name+"^{}"))
	}
	delete(a.list.refs, name)
	return err
}

// readRefs reads the answer to ls-refs.
func readRefs(body *bufio.Reader) (*refList, error) {
	list := &refList{refs: make(map[string]git.Hash), peeled: make(map[string]git.Hash)}
	for {
		kind, line, err := readPacket(body)
		switch {
		case err != nil:
			return nil, err
		case kind != packetData:
			return list, nil
		}
		if text, ok := bytes.CutPrefix(line, []byte("ERR ")); ok {
			return nil, errors.New(Clean(string(text)))
		}
		if err := list.read(string(line)); err != nil {
			return nil, err
		}
	}
}

// read reads one line: hash, name and attributes.
func (l *refList) read(line string) error {
	fields := strings.Split(line, " ")
	hash, valid := git.ParseHash(fields[0])
	if !valid || len(fields) < 2 || fields[1] == "" || strings.ContainsFunc(line, isControl) {
		return fmt.Errorf("malformed ref %q", pinsetter.Truncate(line, 100))
	}
	name := strings.Clone(fields[1]) // without the rest of the line
	if name == "HEAD" {
		l.head = &hash
	} else {
		l.refs[name] = hash
	}
	for _, attribute := range fields[2:] {
		key, value, _ := strings.Cut(attribute, ":")
		switch {
		case key == "symref-target" && name == "HEAD" && value != "":
			l.symrefs = append(l.symrefs, value)
			l.refs[value] = hash
		case key == "peeled":
			if commit, valid := git.ParseHash(value); valid {
				l.peeled[name] = commit
			}
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// fetch asks for objects: a request of v0 is the same lines in another frame.
// If no pack comes, the server's abilities are forgotten.
func (t *protocol2) fetch(req *http.Request, d *Dialect) (*http.Response, error) {
	defer req.Body.Close()
	body, deepens, err := t.fetchCommand(bufio.NewReader(req.Body))
	if err != nil {
		return nil, err
	}
	res, err := t.post(req, body)
	if err == nil && res.StatusCode != http.StatusOK || errors.Is(err, errRedirected) {
		t.doubt(d)
	}
	if err != nil || res.StatusCode != http.StatusOK {
		return res, err
	}
	head := git.LimitReader(res.Body, t.bounds.RefBytes, "bytes before a pack")
	rest := bufio.NewReader(head)
	start, packs, err := readSections(rest, deepens)
	if !packs {
		t.doubt(d)
	}
	if err != nil {
		start = io.MultiReader(start, failed{err})
	}
	head.Allow(t.bounds.PackBytes + t.bounds.PackBytes/8 + 1<<20) // the pack's own bound is met before: this is for its frames
	res.Body = readCloser{io.MultiReader(start, rest), res.Body}
	return res, nil
}

// doubt forgets the server's abilities, if this conversation relies on memory.
func (t *protocol2) doubt(d *Dialect) {
	if d.recalled {
		d.disagreed = true
		t.forget()
	}
}

// fetchCommand makes a request of v2 of one of v0 of ours, and reports whether it
// has a depth.
func (t *protocol2) fetchCommand(from *bufio.Reader) (*bytes.Buffer, bool, error) {
	const want = len("want ") + 2*len(git.Hash{})
	body, deepens, thin := new(bytes.Buffer), false, false
	t.writeCommand(body, "fetch")
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

// readSections reads the sections before a pack, and returns them in the form
// of v0. It reports whether the server did as it was asked: it sends a pack, or
// lacks one of the objects.
func readSections(from *bufio.Reader, deepens bool) (before io.Reader, did bool, err error) {
	start := new(bytes.Buffer)
	for {
		kind, line, err := readPacket(from)
		if err != nil {
			return start, false, err
		}
		text := string(line)
		switch {
		case strings.HasPrefix(text, "ERR "):
			start.Reset()
			fmt.Fprintf(start, "%04x%s", len(text)+4, text)
			return start, strings.Contains(text, "not our ref"), nil
		case text == "packfile":
			if deepens {
				writeMark(start, packetFlush)
			}
			writePacket(start, "NAK")
			return start, true, nil
		case deepens && (strings.HasPrefix(text, "shallow ") || strings.HasPrefix(text, "unshallow ")):
			writePacket(start, text)
		case kind == packetFlush, kind == packetEnd:
			return start, false, errors.New("the server sent no pack")
		}
	}
}

// writeCommand begins a request.
func (t *protocol2) writeCommand(to *bytes.Buffer, command string) {
	writePacket(to, "command="+command)
	writePacket(to, "agent="+t.agent)
	writePacket(to, "object-format=sha1")
	writeMark(to, packetDelim)
}

var errRedirected = errors.New("the server redirects a command of protocol v2")

// post sends a command to the repository of req, with the login of req.
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
			return nil, fmt.Errorf("%w (%s)", errRedirected, res.Status)
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
