package gitops

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Delete deletes a branch that is at lease. It is no error if the branch is
// gone already. The branch that the server's HEAD points at is never deleted; a
// server that doesn't name that branch guards it itself, as git does.
//
// Errors wrap ErrStale if the branch is elsewhere, else those of Push.
func (r *Remote) Delete(ctx context.Context, branch, lease string) error {
	u := update{name: heads + branch, lease: plumbing.NewHash(lease)}
	err := validBranch(branch)
	if branch == "" {
		err = errors.New("no name is given")
	}
	if err == nil {
		err = r.remove(ctx, u)
	}
	if err != nil {
		return fmt.Errorf("delete branch %q of %s: %w", branch, r, r.told(err))
	}
	return nil
}

func (r *Remote) remove(caller context.Context, u update) error {
	ctx, cancel := r.deadline(caller)
	defer cancel()
	there, err := r.removable(ctx, u)
	if err != nil || !there {
		return err
	}
	session, err := r.receivePack(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	defer session.Close()
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	if there, err = u.met(adv.References); err != nil || !there {
		return err
	}
	if !adv.Capabilities.Supports(capability.DeleteRefs) {
		return fmt.Errorf("%w: it lets no branch be deleted", ErrProtected)
	}
	req, said := newRequest(u, plumbing.ZeroHash, adv.Capabilities)
	report, err := session.ReceivePack(ctx, req)
	err = u.outcome(caller, r, plumbing.ZeroHash, answer{report, explain(ctx, err), said.String()})
	if errors.Is(err, ErrStale) {
		if now, headErr := r.head(caller, u.name); headErr == nil && now.IsZero() {
			return nil // somebody else deleted it first
		}
	}
	return err
}

// removable reports whether a branch is there, at the lease, and may go.
func (r *Remote) removable(ctx context.Context, u update) (bool, error) {
	c, err := r.converse(ctx, "HEAD", u.name)
	if err = explain(ctx, err); err != nil {
		if errors.Is(err, ErrEmptyRepository) {
			err = nil
		}
		return false, err
	}
	defer c.close()
	if headTarget(c.adv) == u.name {
		return false, fmt.Errorf("%w: it is the default branch", ErrProtected)
	}
	return u.met(c.adv.References)
}

// met reports whether a ref is there; one that isn't at the lease is an error.
func (u update) met(refs map[string]plumbing.Hash) (bool, error) {
	current, there := refs[u.name]
	if there && current != u.lease {
		return false, fmt.Errorf("%w: it is at %s, not at %s", ErrStale, shown(current), shown(u.lease))
	}
	return there, nil
}
