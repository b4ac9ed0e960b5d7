package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/taglist"
)

// Referrer describes an artifact that refers to an image, such as a signature
// (https://github.com/opencontainers/distribution-spec, "Listing Referrers").
// Whoever pushed it vouches for it, and nobody else.
type Referrer struct {
	Digest       string
	Size         int64
	ArtifactType string // "" if the list doesn't say
	Annotations  map[string]string
}

// Sentinels of Referrers and TaggedReferrers; check them with errors.Is.
var (
	ErrNoReferrersAPI = errors.New("no referrers API") // the registry doesn't have it
	ErrTooMany        = errors.New("too many")         // more referrers than the caller takes
)

// maxReferrerPages bounds the answers of one listing: 64 of the largest have a
// million referrers.
const maxReferrerPages = 64

// Referrers returns the referrers of a digest that the registry's API lists and
// that want accepts, in the order of the list, each digest once. More than most
// of them are ErrTooMany. Statuses by which registries say that they don't have
// the API are ErrNoReferrersAPI. Any other status is an error, and so is an
// answer that is cut, loops or can't be read. No referrers are an empty list.
func (p *Repository) Referrers(ctx context.Context, digest string, most int, want func(Referrer) bool) ([]Referrer, error) {
	if !pinsetter.ValidDigest(digest) {
		return nil, fmt.Errorf("list referrers of %s: %s is not a digest like sha256:<64 hex digits>", p.name, pinsetter.Quote(digest))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	list := &referrers{most: most, want: want, seen: map[string]bool{}}
	at := func(origin string) string { return origin + "/v2/" + p.name.RepositoryStr() + "/referrers/" + digest }
	asked := map[string]bool{}
	for range maxReferrerPages {
		next, err := reader{p.session}.referrers(ctx, at, list)
		if err != nil {
			return nil, fmt.Errorf("list referrers of %s@%s: %w", p.name, digest, p.told(err))
		}
		if next == "" {
			return list.kept, nil
		}
		if asked[next] {
			return nil, fmt.Errorf("list referrers of %s@%s: a page of the list leads back to an earlier one", p.name, digest)
		}
		asked[next] = true
		at = func(string) string { return next }
	}
	return nil, fmt.Errorf("list referrers of %s@%s: the list has more than %d pages", p.name, digest, maxReferrerPages)
}

// TaggedReferrers does what Referrers does for registries without the API,
// which keep the index under a tag ("Referrers Tag Schema" of the distribution
// specification). Without that tag, or if it names no index, there are no
// referrers.
func (p *Repository) TaggedReferrers(ctx context.Context, digest string, most int, want func(Referrer) bool) ([]Referrer, error) {
	data, err := p.TaggedManifest(ctx, strings.Replace(digest, ":", "-", 1))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list := &referrers{most: most, want: want, seen: map[string]bool{}}
	var image struct {
		Config *struct{} `json:"config"`
	}
	if json.Unmarshal(data, &image) == nil && image.Config != nil {
		return nil, nil // an image: some tools copy it there
	}
	if err := list.read(data); err != nil {
		return nil, fmt.Errorf("read referrers of %s@%s: %w", p.name, digest, err)
	}
	return list.kept, nil
}

// TaggedManifest returns the manifest or index that a tag names, up to 4 MiB. The
// error wraps ErrNotFound if there is no such tag.
func (p *Repository) TaggedManifest(ctx context.Context, tag string) ([]byte, error) {
	if !pinsetter.ValidTag(tag) {
		return nil, fmt.Errorf("read manifest of %s: %s is not a tag", p.name, pinsetter.Quote(tag))
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	data, err := reader{p.session}.tagged(ctx, tag)
	if err != nil {
		return nil, fmt.Errorf("read manifest of %s:%s: %w", p.name, tag, p.told(err))
	}
	return data, nil
}

// Manifest returns the manifest with a digest, checked against it, up to 4 MiB.
func (p *Repository) Manifest(ctx context.Context, digest string) ([]byte, error) {
	return p.part(ctx, digest, "manifests", strings.Join(manifestTypes, ", "))
}

// Blob returns the blob with a digest, checked against it, up to 4 MiB.
func (p *Repository) Blob(ctx context.Context, digest string) ([]byte, error) {
	return p.part(ctx, digest, "blobs", "*/*")
}

func (p *Repository) part(ctx context.Context, digest, under, accept string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	data, err := reader{p.session}.document(ctx, digest, under, accept)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", pinsetter.Display(digest), p.name, p.told(err))
	}
	return data, nil
}

// tagged reads the manifest or index that a tag names.
func (r reader) tagged(ctx context.Context, tag string) ([]byte, error) {
	return unbroken(ctx, r.registry.options, func() ([]byte, error) {
		response, c, err := r.send(ctx, http.MethodGet, r.manifest(tag), strings.Join(manifestTypes, ", "))
		if err != nil {
			return nil, err
		}
		defer discard(response)
		if response.StatusCode != http.StatusOK {
			return nil, r.statusError(response, c)
		}
		return bounded(response.Body)
	})
}

// referrers reads one page of a list of referrers into it and returns the URL of
// the next one, "" on the last.
func (r reader) referrers(ctx context.Context, at func(string) string, list *referrers) (next string, err error) {
	type answer struct {
		data []byte
		next string
	}
	got, err := unbroken(ctx, r.registry.options, func() (answer, error) {
		response, c, err := r.send(ctx, http.MethodGet, at, string(types.OCIImageIndex))
		if err != nil {
			return answer{}, err
		}
		defer discard(response)
		if response.StatusCode != http.StatusOK {
			return answer{}, noAPI(r.statusError(response, c), response.StatusCode)
		}
		data, err := bounded(response.Body)
		if err != nil {
			return answer{}, err
		}
		next, err := nextPage(response)
		return answer{data, next}, err
	})
	if err != nil {
		return "", err
	}
	return got.next, list.read(got.data)
}

// noAPI marks the answers by which registries say that they don't know the
// referrers API: 404 by the specification, and those of older ones to a path that
// they can't read.
func noAPI(err error, status int) error {
	switch status {
	case http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented:
		return pinsetter.Reword(err.Error(), ErrNoReferrersAPI)
	}
	return err
}

func nextPage(response *http.Response) (string, error) {
	link, err := taglist.NextLink(response.Header.Values("Link"))
	if err != nil || link == "" {
		return "", err
	}
	var next *url.URL
	if next, err = taglist.ResolveLink(response.Request.URL, link, ""); err != nil {
		return "", err
	}
	return next.String(), nil
}

// bounded reads an answer of at most maxManifest bytes.
func bounded(body io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("the answer broke off after %d bytes: %w", len(data), err)
	}
	if len(data) > maxManifest {
		return nil, fmt.Errorf("it is larger than %d MiB", maxManifest>>20)
	}
	return data, nil
}

// referrers are those of one digest that somebody wants.
type referrers struct {
	most int
	want func(Referrer) bool
	kept []Referrer
	seen map[string]bool // digests of kept
}

// referrerEntry is the used part of a descriptor. Annotations that are no text are
// as good as missing.
type referrerEntry struct {
	Digest       string         `json:"digest"`
	Size         int64          `json:"size"`
	ArtifactType string         `json:"artifactType"`
	Annotations  map[string]any `json:"annotations"`
}

// read adds the entries of an index. It decodes them one by one, so that a large
// list costs no more memory than its bytes.
func (r *referrers) read(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return errors.New("the answer is not an index of referrers")
	}
	listed := false
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("the answer is not an index of referrers: %s", pinsetter.Display(err.Error()))
		}
		if key != "manifests" {
			var other json.RawMessage
			if err := decoder.Decode(&other); err != nil {
				return fmt.Errorf("the answer is not an index of referrers: %s", pinsetter.Display(err.Error()))
			}
			continue
		}
		if listed {
			return errors.New("the index of referrers has two lists")
		}
		listed = true
		if err := r.entries(decoder); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("the index of referrers is cut: %s", pinsetter.Display(err.Error()))
	}
	if !listed {
		return errors.New("the answer is not an index of referrers: it has no manifests")
	}
	return nil
}

// entries reads the list of manifests that a decoder is at.
func (r *referrers) entries(decoder *json.Decoder) error {
	switch start, err := decoder.Token(); {
	case err != nil:
		return fmt.Errorf("the index of referrers is cut: %s", pinsetter.Display(err.Error()))
	case start == nil:
		return nil // null: some registries write it for an empty list
	case start != json.Delim('['):
		return errors.New("manifests of the index of referrers is not a list")
	}
	for decoder.More() {
		var entry referrerEntry
		if err := decoder.Decode(&entry); err != nil {
			return fmt.Errorf("the index of referrers can't be read: %s", pinsetter.Display(err.Error()))
		}
		if err := r.add(entry); err != nil {
			return err
		}
	}
	_, err := decoder.Token()
	return err
}

func (r *referrers) add(entry referrerEntry) error {
	found := Referrer{Digest: entry.Digest, Size: entry.Size, ArtifactType: entry.ArtifactType}
	for key, value := range entry.Annotations {
		if text, ok := value.(string); ok {
			if found.Annotations == nil {
				found.Annotations = map[string]string{}
			}
			found.Annotations[key] = text
		}
	}
	if !r.want(found) || r.seen[found.Digest] {
		return nil
	}
	if !pinsetter.ValidDigest(found.Digest) {
		return fmt.Errorf("the index of referrers names %s, which is not a digest", pinsetter.Quote(found.Digest))
	}
	if len(r.kept) == r.most {
		return pinsetter.Reword(fmt.Sprintf("more than %d refer to it", r.most), ErrTooMany)
	}
	r.seen[found.Digest] = true
	r.kept = append(r.kept, found)
	return nil
}
