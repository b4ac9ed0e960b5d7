package gitops

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/pinsetter/pinsetter/git"
)

// Push describes a push.
type Push struct {
	Snapshot *Snapshot // made by Commit, or fetched: then the branch is moved back to it

	// Branch is the short name of the branch to push to; "" pushes to Refspec
	// alone.
	Branch string

	// Lease is the hash that the branch must have: that of the head that was
	// read. "": the branch must not exist.
	Lease string

	// Rebuilt says that the snapshot replaces the commits of the branch, rather
	// than being built on them. The lease holds all the same. The branch that the
	// snapshot was read from is never replaced.
	Rebuilt bool

	// Refspec is pushed after Branch; "" for none. Its source is HEAD or Branch,
	// its destination any ref, such as "refs/for/main".
	Refspec string

	// Options are sent as key=value with both pushes.
	Options map[string]string
}

// Pushed is the state of the server after a push, also if there is an error.
type Pushed struct {
	Commit  string
	Branch  string // "" if it was not pushed to
	Refspec string // "" if it was not pushed
}

// Push writes the snapshot's new commits to the server, and nothing else. The
// server compares and swaps: it refuses if the branch isn't at the lease.
//
// Errors wrap ErrStale (read again and do it again), ErrProtected, ErrUnknown,
// ErrAuth, ErrNotFound or ErrTimeout if one of them fits.
func (r *Remote) Push(ctx context.Context, p Push) (Pushed, error) {
	done := Pushed{Commit: p.Snapshot.Hash()}
	spec, err := parseRefspec(p)
	if err != nil {
		return done, fmt.Errorf("push to %s: %w", r, err)
	}
	if p.Branch != "" {
		target := update{name: heads + p.Branch, lease: plumbing.NewHash(p.Lease), replace: p.Rebuilt}
		if err := r.push(ctx, p, target); err != nil {
			return done, fmt.Errorf("push to branch %q of %s: %w", p.Branch, r, r.told(err))
		}
		p.landed(target)
		done.Branch = p.Branch
	}
	if spec.name == "" {
		return done, nil
	}
	if p.Branch == "" || spec.name != heads+p.Branch {
		if err := r.push(ctx, p, spec); err != nil {
			return done, fmt.Errorf("push refspec %q to %s: %w", p.Refspec, r, r.told(err))
		}
	}
	done.Refspec = p.Refspec
	return done, nil
}

// landed has the pushed commits cached like fetched ones.
func (p Push) landed(u update) {
	before := u.lease
	if base := p.Snapshot.Origin().Hash(); git.Hash(before) == base && u.name != p.Snapshot.Ref() {
		before = plumbing.ZeroHash // another branch is at it still
	}
	p.Snapshot.Landed(git.Hash(before))
}

// update is a change of one ref.
type update struct {
	name    string
	lease   plumbing.Hash // zero: it must not exist
	any     bool          // whatever the ref is at is the lease
	replace bool          // the new commit need not be built on the old one
	clash   string        // a ref by which the server can't make this one; ""
}

// clash returns the ref that a new one can't stand beside: one whose name is a
// folder of it, or in whose folder it is. "" for none, and for one that exists.
func clash(name string, refs map[string]plumbing.Hash) string {
	if _, there := refs[name]; there {
		return ""
	}
	for parent := path.Dir(name); parent != "refs" && parent != "."; parent = path.Dir(parent) {
		if _, there := refs[parent]; there {
			return parent
		}
	}
	for _, other := range slices.Sorted(maps.Keys(refs)) {
		if strings.HasPrefix(other, name+"/") {
			return other
		}
	}
	return ""
}

func (r *Remote) push(caller context.Context, p Push, u update) error {
	ctx, cancel := r.deadline(caller)
	defer cancel()
	session, err := r.receivePack(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	defer session.Close()
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return explain(ctx, err)
	}
	if err := r.check(ctx, p, &u, adv); err != nil {
		return err
	}
	if adv.References[u.name] == p.Snapshot.commit() {
		return nil // it is there already
	}
	req, said, err := updateRequest(p, u, adv.Capabilities)
	if err != nil {
		return err
	}
	report, err := session.ReceivePack(ctx, req)
	return u.outcome(caller, r, p.Snapshot.commit(), answer{report, explain(ctx, err), said.String()})
}

// check compares what the server advertised with what the update demands.
func (r *Remote) check(ctx context.Context, p Push, u *update, adv *packp.AdvRefs) error {
	current := adv.References[u.name]
	u.clash = clash(u.name, adv.References)
	switch {
	case current == p.Snapshot.commit():
		return nil
	case u.any:
		u.lease = current
	case current != u.lease:
		return fmt.Errorf("%w: it is at %s, not at %s", ErrStale, shown(current), shown(u.lease))
	}
	if u.lease.IsZero() || p.Snapshot.BuiltOn(git.Hash(u.lease)) || p.Snapshot.isOver(u.lease) {
		return nil
	}
	if u.replace && u.name != p.Snapshot.Ref() {
		return nil
	}
	if u.any {
		return r.checkMerged(ctx, p, u)
	}
	return fmt.Errorf("the commit is not built on %s: it would drop what is on the branch", shown(u.lease))
}

// checkMerged asks the server whether the snapshot was built on all commits of
// a ref, which a shallow read can't tell.
func (r *Remote) checkMerged(ctx context.Context, p Push, u *update) error {
	c, err := r.converse(ctx, "HEAD", u.name)
	if err != nil {
		return explain(ctx, err)
	}
	defer c.close()
	commits, err := c.since(ctx, plumbing.Hash(p.Snapshot.Origin().Hash()), []plumbing.Hash{u.lease})
	if err != nil {
		return explain(ctx, err)
	}
	missing, err := walk(commits, u.lease, r.bounds.Commits+1)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("it would drop %d or more commits that %s has, such as %s: give the refspec another destination, or delete that ref", len(missing), u.name, missing[0].Hash[:7])
	}
	return nil
}

// head asks the server for the hash that a ref is at now; zero if it doesn't
// exist.
func (r *Remote) head(ctx context.Context, name string) (plumbing.Hash, error) {
	ctx, cancel := r.deadline(ctx)
	defer cancel()
	session, err := r.receivePack(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer session.Close()
	adv, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return adv.References[name], nil
}

// shown is a hash for people.
func shown(hash plumbing.Hash) string {
	if hash.IsZero() {
		return "no commit"
	}
	return hash.String()[:7]
}
