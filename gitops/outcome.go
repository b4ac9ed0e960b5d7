package gitops

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/pinsetter/pinsetter/git/wire"
	"github.com/pinsetter/pinsetter/gitops/refusal"
)

// answer is a server's answer to a push.
type answer struct {
	report *packp.ReportStatus // nil: none came
	err    error               // explained
	said   string              // the server's messages
}

// outcome returns nil if a push of a commit succeeded, else the error. A zero
// commit deletes the ref.
func (u update) outcome(ctx context.Context, r *Remote, commit plumbing.Hash, a answer) error {
	switch {
	case a.report != nil && a.report.Error() == nil:
		return nil
	case a.report != nil:
		return u.rejected(ctx, r, reason(a.report), a.said)
	case a.err == nil:
		a.err = errors.New("the server sent no report")
	case errors.Is(a.err, ErrAuth), errors.Is(a.err, ErrNotFound), errors.Is(a.err, refusal.ErrStatus):
		return a.err // it answered, and the answer is no
	}
	return u.lost(ctx, r, commit, a)
}

// reason returns the server's word for why it rejected a push.
func reason(report *packp.ReportStatus) string {
	for _, command := range report.CommandStatuses {
		if command.Error() != nil {
			return command.Status
		}
	}
	return report.UnpackStatus
}

// rejected is the error for a push that the server's report refuses.
func (u update) rejected(ctx context.Context, r *Remote, status, said string) error {
	rejection := refusal.Rejection{Status: status, Said: said, Replaces: u.replace, Clash: u.clash}
	if err := rejection.Told(); err != nil {
		return err
	}
	// git says "failed to update ref" for a lost race as for a full disk.
	if now, err := r.head(ctx, u.name); err == nil && now != u.lease {
		return fmt.Errorf("%w: it is at %s, not at %s: %s", ErrStale, shown(now), shown(u.lease), rejection.Text())
	}
	return rejection.Unmoved()
}

// lost is outcome for a push whose answer didn't come: it may have succeeded
// all the same, or still succeed.
func (u update) lost(ctx context.Context, r *Remote, commit plumbing.Hash, a answer) error {
	if text := wire.Clean(a.said); text != "" {
		a.err = fmt.Errorf("%w: %s", a.err, text)
	}
	now, err := r.head(ctx, u.name)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrUnknown, a.err)
	case now == commit:
		return nil
	case now != u.lease:
		return fmt.Errorf("%w: it is at %s, not at %s: %w", ErrStale, shown(now), shown(u.lease), a.err)
	}
	return fmt.Errorf("%w: %s has not changed so far: %w", ErrUnknown, u.name, a.err)
}
