package gitops

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// newRequest returns the command that moves a ref to a commit, or deletes it if
// that is zero. The tail gets the server's messages.
func newRequest(u update, to plumbing.Hash, caps *capability.List) (*packp.ReferenceUpdateRequest, *tail) {
	said := new(tail)
	req := packp.NewReferenceUpdateRequestFromCapabilities(caps)
	req.Progress = said
	for _, wanted := range []capability.Capability{capability.Sideband64k, capability.Quiet} {
		if caps.Supports(wanted) {
			_ = req.Capabilities.Set(wanted) // fails for values only
		}
	}
	req.Commands = []*packp.Command{{Name: plumbing.ReferenceName(u.name), Old: u.lease, New: to}}
	return req, said
}

// updateRequest is newRequest for a push, with the objects that it needs.
func updateRequest(p Push, u update, caps *capability.List) (*packp.ReferenceUpdateRequest, *tail, error) {
	req, said := newRequest(u, p.Snapshot.commit(), caps)
	if err := addOptions(req, p.Options, caps); err != nil {
		return nil, nil, err
	}
	pack, err := p.Snapshot.Pack()
	if err != nil {
		return nil, nil, err
	}
	req.Packfile = io.NopCloser(bytes.NewReader(pack))
	return req, said, nil
}

func addOptions(req *packp.ReferenceUpdateRequest, options map[string]string, caps *capability.List) error {
	if len(options) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(options))
	if !caps.Supports(capability.PushOptions) {
		return fmt.Errorf("the server takes no push options (%s): enable receive.advertisePushOptions on it, or remove spec.git.push.options", strings.Join(keys, ", "))
	}
	for _, key := range keys {
		if strings.ContainsAny(key+options[key], "\n\x00") {
			return fmt.Errorf("push option %q: it has more than one line", key)
		}
		req.Options = append(req.Options, &packp.Option{Key: key, Value: options[key]})
	}
	return req.Capabilities.Set(capability.PushOptions)
}
