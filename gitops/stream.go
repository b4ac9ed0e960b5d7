package gitops

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/pinsetter/pinsetter/git"
)

// A stream is a running git-upload-pack or git-receive-pack, over ssh or as a
// process. go-git has transports for both, but they know neither deadlines nor
// our dialer, and drop the server's messages.
type stream struct {
	in     io.WriteCloser
	out    io.Reader
	said   *tail        // standard error
	wait   func() error // for the end; safe to call once
	cancel func()       // ends it at once
}

// starter runs a command of Git until ctx is done.
type starter func(ctx context.Context, command string, e *transport.Endpoint) (*stream, error)

// streamTransport is a transport of go-git over streams.
type streamTransport struct {
	start  starter
	bounds Bounds
}

func (t streamTransport) NewUploadPackSession(e *transport.Endpoint, _ transport.AuthMethod) (transport.UploadPackSession, error) {
	return &streamSession{streamTransport: t, endpoint: e, command: transport.UploadPackServiceName}, nil
}

func (t streamTransport) NewReceivePackSession(e *transport.Endpoint, _ transport.AuthMethod) (transport.ReceivePackSession, error) {
	return &streamSession{streamTransport: t, endpoint: e, command: transport.ReceivePackServiceName}, nil
}

// streamSession is one conversation: refs, then one request.
type streamSession struct {
	streamTransport
	endpoint *transport.Endpoint
	command  string
	running  *stream
	out      *ending // of running
	asked    bool    // a request was sent
	served   bool    // it was answered to the end
}

// errNoContext is returned by methods that a library's interface demands and
// nobody calls: they would wait for a server without a deadline.
var errNoContext = errors.New("nothing is asked of a server without a context")

func (s *streamSession) AdvertisedReferences() (*packp.AdvRefs, error) { return nil, errNoContext }

// AdvertisedReferencesContext starts the stream. It ends with ctx.
func (s *streamSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	running, err := s.start(ctx, s.command, s.endpoint)
	if err != nil {
		return nil, err
	}
	s.running, s.out = running, &ending{Reader: running.out}
	adv := packp.NewAdvRefs()
	err = adv.Decode(git.LimitReader(s.out, s.bounds.RefBytes, "bytes for a list of refs"))
	reading := s.command == transport.UploadPackServiceName
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && reading && adv.IsEmpty():
		if reading {
			return nil, transport.ErrEmptyRemoteRepository
		}
	case err != nil:
		return nil, s.ended(err)
	}
	adv.Capabilities.Delete(capability.ThinPack) // only ask knows when
	return adv, nil
}

// ending reads a server's answer, and knows whether the server ended it.
type ending struct {
	io.Reader
	over bool
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.over = e.over || err != nil
	return n, err
}

// lastWords is how long a server that has ended its answer may take to say why.
const lastWords = 2 * time.Second

// ended adds the server's messages to an error of reading.
func (s *streamSession) ended(err error) error {
	if errors.Is(err, ErrBound) {
		return err
	}
	if !s.out.over {
		s.running.cancel()
	}
	late := time.AfterFunc(lastWords, s.running.cancel)
	_ = s.running.wait() // standard error is complete then; err says more than an exit status
	late.Stop()
	s.running.cancel()
	s.running.wait = func() error { return nil }
	text := s.running.said.String()
	if line := new(pktline.ErrorLine); errors.As(err, &line) {
		text = line.Text
	}
	return explainText(text, err)
}

func (s *streamSession) UploadPack(_ context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	if req.IsEmpty() {
		return nil, transport.ErrEmptyUploadPackRequest
	}
	if err := req.Validate(); err != nil {
		return nil, err
	}
	s.asked = true
	if err := s.sendUploadPack(req); err != nil {
		return nil, s.ended(err)
	}
	res := packp.NewUploadPackResponse(req)
	if err := res.Decode(io.NopCloser(s.out)); err != nil {
		return nil, s.ended(err)
	}
	return res, nil
}

func (s *streamSession) sendUploadPack(req *packp.UploadPackRequest) error {
	in := s.running.in
	if err := req.UploadRequest.Encode(in); err != nil {
		return err
	}
	if err := req.UploadHaves.Encode(in, false); err != nil {
		return err
	}
	return pktline.NewEncoder(in).EncodeString("done\n")
}

func (s *streamSession) ReceivePack(_ context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	s.asked = true
	if err := req.Encode(s.running.in); err != nil {
		return nil, s.ended(err)
	}
	report, out := packp.NewReportStatus(), reportReader(s.out, req)
	if err := report.Decode(out); err != nil {
		return nil, s.ended(err)
	}
	// The server's hooks may still run: ending the connection would end them.
	_, err := io.Copy(io.Discard, out)
	s.served = err == nil
	return report, report.Error()
}

// reportReader reads the report in a server's answer.
func reportReader(out io.Reader, req *packp.ReferenceUpdateRequest) io.Reader {
	if !req.Capabilities.Supports(capability.Sideband64k) {
		return out
	}
	demuxer := sideband.NewDemuxer(sideband.Sideband64k, out)
	demuxer.Progress = req.Progress
	return demuxer
}

// Close ends the conversation: in the agreed way if nothing was asked.
func (s *streamSession) Close() error {
	if s.running == nil {
		return nil
	}
	if !s.asked {
		_, _ = s.running.in.Write(pktline.FlushPkt) // the server may be gone already
	}
	_ = s.running.in.Close()
	if !s.served {
		s.running.cancel()
	}
	_ = s.running.wait() // its result was read, or its error said
	s.running.cancel()
	s.running = nil
	return nil
}
