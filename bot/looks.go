package bot

import (
	"context"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
)

// looks are what the lanes of one repository know of its branches, by the remote that
// they read it from. One look does for all lanes until one of them pushes: each reads
// what those before it pushed.
type looks map[*gitops.Remote]*gitops.Look

// lookOnce has lanes of a repository that push without a pull request share their
// looks. One that reads alone needs none.
func lookOnce(lanes []*lane, open func(*fleet.GitSource) (*gitops.Remote, error)) {
	reads := map[*gitops.Remote][]gitops.Read{}
	for _, l := range lanes {
		if l.git == nil || l.proposes != nil {
			continue
		}
		if remote, err := open(l.git); err == nil { // else who fetches says so
			reads[remote] = append(reads[remote], gitops.Read{Base: l.base, Push: []string{l.push}})
		}
	}
	shared := looks{}
	for remote, wanted := range reads {
		if len(wanted) > 1 {
			shared[remote] = remote.Look(wanted)
		}
	}
	for _, l := range lanes {
		l.looks = shared
	}
}

// fetch is Fetch of a remote, by its look if there is one.
func (s looks) fetch(ctx context.Context, remote *gitops.Remote, base fleet.GitRef, branches ...string) (*gitops.Fetched, error) {
	if look := s[remote]; look != nil {
		return look.Fetch(ctx, base, branches...)
	}
	return remote.Fetch(ctx, base, branches...)
}

// forget has the next lane ask for branches again.
func (s looks) forget() {
	for _, look := range s {
		look.Forget()
	}
}
