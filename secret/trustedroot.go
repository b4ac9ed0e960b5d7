package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// trustedRootType begins the media type of a trusted root
// (github.com/sigstore/protobuf-specs, sigstore_trustroot.proto).
const trustedRootType = "application/vnd.dev.sigstore.trustedroot"

// TrustedRoot returns the trusted root of Sigstore that the Secret holds. It is nil
// after reporting that there is none, or none that can be used.
func (r *Reader) TrustedRoot() []byte {
	text := r.bytes(TrustedRootFile)
	if len(text) == 0 {
		r.fail("has no %s: give it the trusted root of Sigstore under that key%s", TrustedRootFile, otherKeys(r))
		return nil
	}
	if err := CheckTrustedRoot(text); err != nil {
		r.fail("has under %s %v", TrustedRootFile, err)
		return nil
	}
	return text
}

// CheckTrustedRoot returns why a text is no trusted root that anything can be
// verified by. The error ends a sentence of what has it.
func CheckTrustedRoot(text []byte) error {
	var root struct {
		MediaType   string            `json:"mediaType"`
		Authorities []json.RawMessage `json:"certificateAuthorities"`
		Logs        []json.RawMessage `json:"tlogs"`
		Timestamps  []json.RawMessage `json:"timestampAuthorities"`
	}
	switch err := json.Unmarshal(text, &root); {
	case err != nil:
		return fmt.Errorf("no trusted root of Sigstore: %w", err)
	case !strings.HasPrefix(root.MediaType, trustedRootType):
		return fmt.Errorf("no trusted root of Sigstore: its mediaType is %q (cosign trusted-root create writes one)", root.MediaType)
	case len(root.Authorities) == 0:
		return errors.New("a trusted root without certificateAuthorities: no certificate is trusted by it")
	case len(root.Logs) == 0 && len(root.Timestamps) == 0:
		return errors.New("a trusted root without tlogs and timestampAuthorities: nothing says when a signature was made")
	}
	return nil
}
