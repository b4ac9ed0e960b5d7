package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/pause"
)

const (
	// bulkStall is the longest time without a byte in the transfer of a blob,
	// in multiples of Options.Answer: two minutes by default. Registries in
	// front of object stores take their time between the last byte and the
	// answer.
	bulkStall = 4

	// bulkRate bounds the transfer of a blob as a whole: its size may take this
	// many bytes a second, beside the timeout of a call.
	bulkRate = 16 << 10
)

// Blob is content to push.
type Blob struct {
	Digest string
	Size   int64

	// Open returns the content from its beginning. It is called each time that the
	// blob is sent.
	Open func() (io.ReadCloser, error)
}

// BytesBlob returns a blob of bytes.
func BytesBlob(data []byte) Blob {
	return Blob{Digest: DigestOf(data), Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

// DigestOf returns the digest of bytes.
func DigestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Sent says how a blob got to the registry.
type Sent string

// The ways of a blob.
const (
	SentNothing Sent = "exists"  // the repository had it
	SentMount   Sent = "mounted" // from another repository of the registry
	SentBytes   Sent = "sent"
)

// PushBlob makes sure that the repository has a blob, and returns how it got
// there. It first asks for the blob, then tries to mount it from one of
// Access.MountFrom, then sends it whole
// (https://github.com/opencontainers/distribution-spec, "Pushing blobs"). It
// starts an upload that breaks off again, a few times.
func (p *Repository) PushBlob(ctx context.Context, b Blob) (Sent, error) {
	ctx, cancel := context.WithTimeout(ctx, p.bulkTimeout(b.Size))
	defer cancel()
	sent, err := uploader{p.session}.push(ctx, b)
	if err != nil {
		return "", fmt.Errorf("push %s to %s: %w", b.Digest, p.name, p.told(err))
	}
	return sent, nil
}

// bulkTimeout bounds the transfer of that many bytes.
func (p *Repository) bulkTimeout(size int64) time.Duration {
	return p.timeout + time.Duration(size/bulkRate)*time.Second
}

// uploader sends blobs to a repository.
type uploader struct{ *session }

// push does what PushBlob does.
func (u uploader) push(ctx context.Context, b Blob) (Sent, error) {
	if has, err := u.has(ctx, b.Digest); err != nil || has {
		return SentNothing, err
	}
	for _, from := range u.tokens.mountFrom {
		if mounted, _, err := u.start(ctx, url.Values{"mount": {b.Digest}, "from": {from}}); err != nil || mounted {
			return SentMount, err
		}
	}
	return unbroken(ctx, u.registry.options, func() (Sent, error) {
		_, at, err := u.start(ctx, nil)
		if err != nil {
			return "", err
		}
		return SentBytes, u.upload(ctx, at, b)
	})
}

func (u uploader) has(ctx context.Context, digest string) (bool, error) {
	response, with, err := u.send(ctx, http.MethodHead, u.at("blobs/"+digest), "*/*")
	if err != nil {
		return false, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		discard(response)
		return true, nil
	case http.StatusNotFound:
		discard(response)
		return false, nil
	}
	return false, u.statusError(response, with)
}

// start begins an upload and returns its address, or reports that the registry
// mounted the blob, as the query asked.
func (u uploader) start(ctx context.Context, query url.Values) (mounted bool, at string, err error) {
	path := "blobs/uploads/"
	if query != nil {
		path += "?" + query.Encode()
	}
	response, with, err := u.ask(ctx, call{method: http.MethodPost, url: u.at(path), header: http.Header{}})
	if err != nil {
		return false, "", err
	}
	switch {
	case response.StatusCode == http.StatusCreated && query != nil:
		discard(response)
		return true, "", nil
	case response.StatusCode != http.StatusAccepted:
		return false, "", u.statusError(response, with)
	}
	defer discard(response)
	location, err := response.Location()
	if err != nil {
		return false, "", errors.New("the registry accepts the upload and names no address for it")
	}
	return false, location.String(), nil
}

// upload sends a blob to the address of an upload. Another origin than the
// registry's gets no credential.
func (u uploader) upload(ctx context.Context, at string, b Blob) error {
	to, err := url.Parse(at)
	if err != nil {
		return fmt.Errorf("the registry names %s as the address of the upload, and it is no URL", pinsetter.Quote(at))
	}
	query := to.Query()
	query.Set("digest", b.Digest)
	to.RawQuery = query.Encode()
	response, with, err := u.ask(ctx, call{
		method: http.MethodPut, url: func(string) string { return to.String() },
		header: http.Header{"Content-Type": {"application/octet-stream"}},
		bulk:   true, body: b.Open, size: b.Size,
	})
	if err != nil {
		return passing(err)
	}
	if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusNoContent {
		return u.bulkError(response, with)
	}
	discard(response)
	return nil
}

// passing marks an error that another try may mend, for unbroken. A registry that
// answers before it has read everything closes the connection below what is written.
func passing(err error) error {
	if pause.Passing(err) || errors.Is(err, net.ErrClosed) {
		return pinsetter.Reword(err.Error(), io.ErrUnexpectedEOF)
	}
	return err
}

// PushManifest puts a manifest or an index under a tag or its digest, and returns
// its digest. Everything that it names must be there.
func (p *Repository) PushManifest(ctx context.Context, reference, mediaType string, data []byte) (string, error) {
	digest := DigestOf(data)
	if reference != digest && !pinsetter.ValidTag(reference) {
		return "", fmt.Errorf("push to %s: %s is neither a tag nor the digest of what is pushed", p.name, pinsetter.Quote(reference))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	response, with, err := p.ask(ctx, call{
		method: http.MethodPut, url: p.manifest(reference), header: http.Header{"Content-Type": {mediaType}},
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, size: int64(len(data)),
	})
	if err != nil {
		return "", fmt.Errorf("push %s of %s: %w", reference, p.name, p.told(err))
	}
	defer discard(response)
	if err := p.accepted(response, with, digest); err != nil {
		return "", fmt.Errorf("push %s of %s: %w", reference, p.name, p.told(err))
	}
	return digest, nil
}

// accepted fails unless a registry accepted a manifest with a digest.
func (p *Repository) accepted(response *http.Response, with attempt, digest string) error {
	if !slices.Contains([]int{http.StatusCreated, http.StatusOK, http.StatusAccepted}, response.StatusCode) {
		return p.statusError(response, with)
	}
	if named, err := namedDigest(response); err != nil || named != "" && named != digest {
		return fmt.Errorf("the registry says that it stored %s, and %s was sent", pinsetter.Quote(response.Header.Get("Docker-Content-Digest")), digest)
	}
	return nil
}

// Download writes the blob with a digest and a size to a writer. If the answer
// breaks off, it continues from there. It writes before it can check: content
// with another digest is an error only once all of it was written.
func (p *Repository) Download(ctx context.Context, digest string, size int64, to io.Writer) error {
	if !pinsetter.ValidDigest(digest) || size < 0 {
		return fmt.Errorf("read blob of %s: %s with %d bytes is no blob", p.name, pinsetter.Quote(digest), size)
	}
	ctx, cancel := context.WithTimeout(ctx, p.bulkTimeout(size))
	defer cancel()
	hash := sha256.New()
	both := io.MultiWriter(to, hash)
	var came int64
	_, err := unbroken(ctx, p.registry.options, func() (int64, error) {
		n, err := reader{p.session}.rest(ctx, digest, came, size, both)
		came += n
		return came, err
	})
	if err == nil && came != size {
		err = fmt.Errorf("it has %d bytes, and the manifest says %d", came, size)
	}
	if got := "sha256:" + hex.EncodeToString(hash.Sum(nil)); err == nil && got != digest {
		err = fmt.Errorf("the registry answers with something else, whose digest is %s", got)
	}
	if err != nil {
		return fmt.Errorf("read blob %s of %s: %w", digest, p.name, p.told(err))
	}
	return nil
}

// rest writes what follows the first bytes of a blob, at most its size and one
// byte, and returns how much that was.
func (r reader) rest(ctx context.Context, digest string, from, size int64, to io.Writer) (int64, error) {
	header := http.Header{"Accept": {"*/*"}}
	if from > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	response, with, err := r.ask(ctx, call{method: http.MethodGet, url: r.at("blobs/" + digest), header: header, bulk: true})
	if err != nil {
		return 0, passing(err)
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusOK:
		if _, err := io.CopyN(io.Discard, response.Body, from); err != nil {
			return 0, fmt.Errorf("the answer broke off: %w", io.ErrUnexpectedEOF)
		}
	case response.StatusCode != http.StatusPartialContent || from == 0:
		return 0, r.bulkError(response, with)
	}
	n, err := io.Copy(to, io.LimitReader(response.Body, size-from+1))
	if err == nil && from+n < size {
		err = io.ErrUnexpectedEOF
	}
	return n, passing(err)
}
