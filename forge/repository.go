package forge

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Find returns the pull request of two branches of the repository: the open one,
// else the newest that is closed or merged, nil where there never was one. One
// from a fork doesn't count.
//
// Known may be nil, else it is what Find, Create or Update returned earlier:
// where it has these branches it is asked for by its number, which is one
// request, conditional where the forge knows that, and no lookup.
func (r *Repository) Find(ctx context.Context, head, base string, known *PullRequest) (*PullRequest, error) {
	if known != nil && known.Number > 0 && known.Head == head && known.Base == base {
		pr, err := r.host.get(withETag(ctx, known.ETag), known.Number, known.ETag)
		switch {
		case errors.Is(err, errNotModified):
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

// read completes what a forge said.
func (pr *PullRequest) read() *PullRequest {
	if pr != nil {
		pr.Ours = pr.State == StateClosed && strings.Contains(pr.Body, markClosed)
	}
	return pr
}

// Create opens a pull request. Where an open one has these branches, that one is
// brought up to date.
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

// answered returns an error where a forge says that it did something, and its
// answer is no pull request of this repository.
func answered(pr *PullRequest, err error) (*PullRequest, error) {
	if err == nil && pr == nil {
		err = errors.New("the forge's answer is no pull request of this repository")
	}
	return pr, err
}

// adopt brings the pull request up to date that has the branches already.
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

// Update gives an open pull request the title and body of p, and finishes its
// creation where that was interrupted. It reports whether anything was changed;
// where nothing is to be changed it sends no request.
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

// bring makes an open pull request what p says. What only its creation gives it
// comes first: while that fails the mark stays, and the next run tries again.
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

// Close closes a pull request, says in a comment why, and leaves its branch. One
// that isn't open any more is returned as it is.
func (r *Repository) Close(ctx context.Context, pr *PullRequest, why string) (*PullRequest, error) {
	now, err := r.host.get(ctx, pr.Number, "")
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

// CommentOnce adds a comment, unless there is one with this key already. A key
// is of lower case letters, digits and single hyphens.
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

// Merge merges an open pull request where all checks pass and the forge's rules
// allow, else has it wait; GitLab is told to merge when they do. It never goes
// around the rules, and what is merged, now or later, is the commit that pr names.
// The text says, for people, what it waits for.
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
	return merging, clean(why), nil
}

// StopMerging takes back what Merge, today's or an earlier version's, had the forge
// promise: to merge a pull request by itself. It takes back what a person asked for too: forges don't all say who
// did. A pull request that isn't to be merged by itself, or is merged or closed
// already, is left as it is, and no error.
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

// fail returns the error of a step. What net/http wraps around a transport's
// errors is dropped: the URL says nothing that the step doesn't.
func (r *Repository) fail(err error, format string, args ...any) error {
	return fmt.Errorf("%s of %s: %w", fmt.Sprintf(format, args...), r, inner(err))
}

// inner returns what a transport's error is without net/http's words around it.
func inner(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
