package remote

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/verify"
)

// ociSource is what was read of an artifact. It holds as long as the name leads to the
// same digest and the same is trusted.
type ociSource struct {
	digest, trust string
	files         []source.File
	unread        []source.Unread
}

// readOCI returns the files of an artifact that may hold objects. Until the artifact
// is verified, if that is asked for, nothing but its digest is asked.
func (r *Reader) readOCI(ctx context.Context, name string, mayHold func([]byte) bool) ([]source.File, []source.Unread) {
	r.Progress("reading " + redactedOCI(name))
	found, err := r.get(ctx, name, mayHold)
	if err != nil {
		return nil, []source.Unread{{Path: redactedOCI(name), Err: err, Until: "it can be read, and verifies"}}
	}
	return found.files, found.unread
}

// redactedOCI returns the name of a source without what may be a login.
func redactedOCI(name string) string {
	rest, digest, pinned := strings.Cut(name, "@sha256:")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return name
	}
	if pinned {
		digest = "@sha256:" + digest
	}
	return ociScheme + rest[at+1:] + digest
}

// parseOCISource reads "oci://HOST/REPO[:TAG][@DIGEST][//FOLDER]".
func parseOCISource(name string) (r artifact.Reference, folder string, err error) {
	url, folder, _ := strings.Cut(strings.TrimPrefix(name, ociScheme), "//")
	r, err = artifact.ParseReference(ociScheme + url)
	return r, path.Join(".", path.Clean("/" + folder)[1:]), err
}

// get returns an artifact's files, read anew if it changed.
func (r *Reader) get(ctx context.Context, name string, mayHold func([]byte) bool) (ociSource, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	named, folder, err := parseOCISource(name)
	if err != nil {
		return ociSource{}, err
	}
	trust, err := r.trust()
	if err != nil {
		return ociSource{}, err
	}
	if r.registry == nil {
		r.registry = r.Registry()
	}
	from, err := r.registry.Repository(named.Repository, registry.Access{})
	if err != nil {
		return ociSource{}, err
	}
	found := ociSource{digest: named.Digest}
	if trust != nil {
		found.trust = trust.ID()
	}
	if found.digest == "" {
		if found.digest, err = from.Digest(ctx, named.Tag); err != nil {
			return ociSource{}, err
		}
	}
	if last, ok := r.read[name]; ok && last.digest == found.digest && last.trust == found.trust {
		return last, nil
	}
	if err := verified(ctx, r.Roots, from, found.digest, trust); err != nil {
		return ociSource{}, err
	}
	if err := found.load(ctx, from, name, folder, mayHold); err != nil {
		return ociSource{}, err
	}
	if r.read == nil {
		r.read = map[string]ociSource{}
	}
	r.read[name] = found
	return found, nil
}

// trust returns who must have signed an artifact; nil: nobody.
func (r *Reader) trust() (*fleet.Trust, error) {
	rules, err := r.Signers()
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	return rules[0], nil
}

// verified fails unless a digest is signed as trust asks. Nothing is asked without it.
func verified(ctx context.Context, roots *verify.Roots, from *registry.Repository, digest string, trust *fleet.Trust) error {
	if trust == nil {
		return nil
	}
	signature := verify.Open(roots, from, digest).Check(ctx, trust)
	if signature.Verdict != pinsetter.SignatureVerified {
		return fmt.Errorf("is not verified by %s: %s@%s: %s", trust.From, from.Name(), digest, signature.Reason)
	}
	return nil
}

// load reads the files of a folder that may hold objects.
func (s *ociSource) load(ctx context.Context, from *registry.Repository, name, folder string, mayHold func([]byte) bool) error {
	content, err := artifact.Open(ctx, from, artifact.Reference{Repository: from.Name(), Digest: s.digest})
	if err != nil {
		return err
	}
	named := false
	files, err := content.Files(ctx, artifact.Wanted{
		Folder: folder, Most: source.MaxFileBytes,
		Name: func(name string) bool {
			is := source.IsObjects(name)
			named = named || is
			return is
		},
		Holds: func(data []byte) bool { return mayHold(data) || source.IsWide(data) && mayHold(source.Narrow(data)) },
	})
	if err != nil {
		return err
	}
	readable := slices.ContainsFunc(files, func(f artifact.File) bool { return f.Err == nil })
	if content.Kind == "image" && !named && !readable {
		return fmt.Errorf("%s is a container image, and its first layer has no file of YAML or JSON: name an artifact, as pinsetter artifact push makes it", content.URL)
	}
	url, _, _ := strings.Cut(strings.TrimPrefix(name, ociScheme), "//")
	for _, file := range files {
		at := ociScheme + url + "//" + file.Name
		if file.Err != nil {
			s.unread = append(s.unread, source.Unread{Path: at, Err: file.Err, Until: "it can be read, or is gone"})
			continue
		}
		s.files = append(s.files, source.File{Path: at, Source: name, Data: file.Data})
	}
	return nil
}
