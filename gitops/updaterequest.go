package gitops

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/memory"
)

// newRequest returns the command that moves a ref to a commit, or deletes it where
// that is zero, and where the server's messages will be found.
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
	req, said := newRequest(u, p.Snapshot.hash, caps)
	if err := addOptions(req, p.Options, caps); err != nil {
		return nil, nil, err
	}
	pack, err := p.Snapshot.pack()
	if err != nil {
		return nil, nil, err
	}
	req.Packfile = io.NopCloser(pack)
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

// pack returns the objects that were made since the fetch as a pack: an empty one
// for a snapshot that was fetched, since the server has its commit.
func (s *Snapshot) pack() (*bytes.Buffer, error) {
	store := memory.NewStorage()
	var hashes []plumbing.Hash
	for at := s; at.parent != nil; at = at.parent {
		for _, hash := range slices.SortedFunc(maps.Keys(at.made), func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) }) {
			if _, twice := store.Objects[hash]; twice {
				continue
			}
			made := at.made[hash]
			if _, err := store.SetEncodedObject(encoded(made.kind, made.data)); err != nil {
				return nil, err
			}
			hashes = append(hashes, hash)
		}
	}
	pack := new(bytes.Buffer)
	if _, err := packfile.NewEncoder(pack, store, false).Encode(hashes, 0); err != nil {
		return nil, fmt.Errorf("write pack: %w", err)
	}
	return pack, nil
}
