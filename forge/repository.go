package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter/forge/exchange"
)

// Find returns the pull request of two branches of the repository: the open
// one, else the newest closed or merged one, nil if there was none. It ignores
// pull requests from forks.
//
// Known is an earlier result of Find, Create or Update, or nil. If it has these
// branches, Find asks for it by number instead of searching. That is one
// request, conditional if the forge supports that.
func (r *Repository) Find(ctx context.Context, head, base string, known *PullRequest) (*PullRequest, error) {
	if known != nil && known.Number > 0 && known.Head == head && known.Base == base {
		pr, err := r.host.get(exchange.WithETag(ctx, known.ETag), known.Number)
		switch {
		case errors.Is(err, exchange.ErrNotModified):
			return known, nil
		case err != nil && !errors.Is(err, ErrNotFound):
			return nil, r.fail(err, "get pull request #%d", known.Number)
		case err == nil && pr != nil && pr.Head == head && pr.Base == base:
			return pr.read(), nil
		}
	}
	pr, err := r.host.find(ctx, head, base)
	if err != nil {
		return nil, r.fail(err, "find the pull request of %q", head)
	}
	return pr.read(), nil
}

// read completes a forge's description of a pull request.
func (pr *PullRequest) read() *PullRequest {
	if pr != nil {
		pr.Ours = pr.State == StateClosed && strings.Contains(pr.Body, markClosed)
	}
	return pr
}

// Create opens a pull request. If an open one has these branches, Create
// updates that one.
func (r *Repository) Create(ctx context.Context, p Proposal) (*PullRequest, error) {
	p, err := p.clean()
	if err != nil {
		return nil, r.fail(err, "open a pull request")
	}
	first := p
	if r.host.further(p) {
		first.Body = marked(p.Body, markNew)
	}
	pr, err := answered(r.host.create(ctx, first))
	if exists := (*existsError)(nil); errors.As(err, &exists) {
		return r.adopt(ctx, p, exists)
	}
	if err != nil {
		return nil, r.fail(err, "open a pull request of %q to %q", p.Head, p.Base)
	}
	pr, _, err = r.bring(ctx, pr.read(), p)
	return pr, err
}

// answered returns an error if a forge reports success without a pull request
// of this repository.
func answered(pr *PullRequest, err error) (*PullRequest, error) {
	if err == nil && pr == nil {
		err = errors.New("the forge's answer is no pull request of this repository")
	}
	return pr, err
}

// adopt updates the pull request that has the branches already.
func (r *Repository) adopt(ctx context.Context, p Proposal, exists *existsError) (*PullRequest, error) {
	var known *PullRequest
	if exists.number > 0 {
		known = &PullRequest{Number: exists.number, Head: p.Head, Base: p.Base}
	}
	pr, err := r.Find(ctx, p.Head, p.Base, known)
	if err != nil {
		return nil, err
	}
	if pr == nil || pr.State != StateOpen {
		return nil, r.fail(exists, "open a pull request of %q to %q", p.Head, p.Base)
	}
	pr, _, err = r.bring(ctx, pr, p)
	return pr, err
}

// Update sets title and body of an open pull request to those of p, and
// finishes an interrupted creation. It reports whether anything changed. If
// nothing has to change it sends no request.
func (r *Repository) Update(ctx context.Context, pr *PullRequest, p Proposal) (*PullRequest, bool, error) {
	p, err := p.clean()
	if err == nil && pr.State != StateOpen {
		err = fmt.Errorf("%w: it is %s", ErrInvalid, pr.State)
	}
	if err != nil {
		return pr, false, r.fail(err, "update pull request #%d", pr.Number)
	}
	return r.bring(ctx, pr, p)
}

// bring updates an open pull request to p. It first sets what belongs to the
// creation: while that fails the mark stays, and the next run tries again.
func (r *Repository) bring(ctx context.Context, pr *PullRequest, p Proposal) (*PullRequest, bool, error) {
	var unfinished error
	body := p.Body
	if strings.Contains(pr.Body, markNew) {
		if err := r.host.adorn(ctx, pr, p); err != nil {
			unfinished = r.fail(err, "add labels, reviewers and assignees to pull request #%d", pr.Number)
			body = marked(body, markNew)
		}
	}
	want := p.Title
	if pr.Draft {
		want = undraft(want)
	}
	if sameTitle(pr.Title, want) && normal(pr.Body) == body {
		return pr, false, unfinished
	}
	changed, err := answered(r.host.edit(ctx, pr, edit{Title: want, Body: body}))
	if err != nil {
		return pr, false, errors.Join(unfinished, r.fail(err, "update pull request #%d", pr.Number))
	}
	return changed.read(), true, unfinished
}

// Close closes a pull request, with a comment that says why. It keeps the
// branch. A pull request that isn't open is returned unchanged.
func (r *Repository) Close(ctx context.Context, pr *PullRequest, why string) (*PullRequest, error) {
	now, err := r.host.get(ctx, pr.Number)
	if err == nil && now == nil {
		err = ErrNotFound
	}
	if err != nil {
		return pr, r.fail(err, "close pull request #%d", pr.Number)
	}
	if now.State != StateOpen {
		return now.read(), nil
	}
	closed, err := answered(r.host.edit(ctx, now, edit{Title: now.Title, Body: marked(now.Body, markClosed), Close: true}))
	if err != nil {
		return now, r.fail(err, "close pull request #%d", pr.Number)
	}
	if why == "" {
		return closed.read(), nil
	}
	if err := r.host.comment(ctx, pr.Number, why); err != nil {
		return closed.read(), r.fail(err, "comment on pull request #%d", pr.Number)
	}
	return closed.read(), nil
}

// CommentOnce adds a comment unless one with this key exists. A key consists of
// lower case letters, digits and single hyphens.
func (r *Repository) CommentOnce(ctx context.Context, pr *PullRequest, key, text string) error {
	if !validKey(key) {
		return r.fail(fmt.Errorf("%w: the key %q", ErrInvalid, key), "comment on pull request #%d", pr.Number)
	}
	mark := keyMark(key)
	done, err := r.host.commented(ctx, pr.Number, mark)
	if err != nil {
		return r.fail(err, "list the comments of pull request #%d", pr.Number)
	}
	if done {
		return nil
	}
	if err := r.host.comment(ctx, pr.Number, marked(normal(text), mark)); err != nil {
		return r.fail(err, "comment on pull request #%d", pr.Number)
	}
	return nil
}

// Merge merges an open pull request if all checks pass and the forge's rules
// allow it. Otherwise the pull request waits; GitLab is told to merge it later.
// Merge never circumvents rules, and only the commit that pr names is merged,
// now or later. The text tells people what the pull request waits for.
func (r *Repository) Merge(ctx context.Context, pr *PullRequest) (Merging, string, error) {
	if pr.State == StateMerged {
		return MergeDone, "", nil
	}
	if pr.State != StateOpen || pr.HeadHash == "" {
		return "", "", r.fail(fmt.Errorf("%w: it is %s, its head %q", ErrInvalid, pr.State, pr.HeadHash), "merge pull request #%d", pr.Number)
	}
	merging, why, err := r.host.merge(ctx, pr)
	if err != nil {
		return "", "", r.fail(err, "merge pull request #%d", pr.Number)
	}
	return merging, exchange.Clean(why), nil
}

// StopMerging cancels a forge's auto-merge of a pull request, whether Merge, an
// earlier version or a person asked for it: not all forges say who did. It is
// no error if auto-merge is off, or the pull request is merged or closed.
func (r *Repository) StopMerging(ctx context.Context, pr *PullRequest) error {
	if err := r.host.stopMerging(ctx, pr.Number); err != nil {
		return r.fail(err, "take back the auto-merge of pull request #%d", pr.Number)
	}
	return nil
}

// Commits returns the commits of a pull request, oldest first, at most 250.
func (r *Repository) Commits(ctx context.Context, pr *PullRequest) ([]Commit, error) {
	commits, err := r.host.commits(ctx, pr.Number)
	if err != nil {
		return nil, r.fail(err, "list the commits of pull request #%d", pr.Number)
	}
	return commits, nil
}

// fail returns the error of a step. It drops net/http's wrapping of transport
// errors: the step says everything that the URL would.
func (r *Repository) fail(err error, format string, args ...any) error {
	return fmt.Errorf("%s of %s: %w", fmt.Sprintf(format, args...), r, exchange.Inner(err))
}
