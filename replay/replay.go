// Package replay says which commits are the bot's own: those that the ledger knows it
// pushed, and those whose work, done again, gives the same bytes by one of the
// automations that they name. Names, trailers and authors prove nothing.
package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/setters"
)

// ErrTheirs is why a commit isn't the bot's. Any other error of a replay says that
// it can't be found out now.
var ErrTheirs = errors.New("not a commit of Pinsetter")

// Theirs returns an ErrTheirs that says why.
func Theirs(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrTheirs, fmt.Sprintf(format, args...))
}

// Replayer replays commits by the objects that were loaded.
type Replayer struct {
	Set    *fleet.Set
	Select func(context.Context, *fleet.Policy) Policy // what a policy of the set selects now
}

// ByAny replays a step as each of some automations, until one could have made it.
// Then the error is nil.
func (r Replayer) ByAny(ctx context.Context, automations []*fleet.Automation, step gitops.Step) error {
	var failed error
	for _, a := range automations {
		err := r.by(ctx, a, step)
		if err == nil {
			return nil
		}
		if failed == nil || !errors.Is(err, ErrTheirs) {
			failed = err
		}
	}
	return failed
}

// by returns nil where an automation could have made a step: it is its parent
// with values set that the automation's policies mark, each to a candidate of its
// policy, and no other byte is different.
func (r Replayer) by(ctx context.Context, a *fleet.Automation, step gitops.Step) error {
	if errors.Is(step.Err, gitops.ErrNotEdits) {
		return Theirs("%v", step.Err)
	}
	if step.Err != nil {
		return step.Err
	}
	for _, path := range step.Paths {
		if !a.Covers(path) {
			return Theirs("%s is outside of update.path of ImageUpdateAutomation %s", path, a.Name)
		}
		before, foundBefore, err := step.Before.Read(ctx, path)
		if err != nil {
			return err
		}
		after, foundAfter, err := step.After.Read(ctx, path)
		if err != nil {
			return err
		}
		if !foundBefore || !foundAfter {
			return Theirs("%s is no file on both sides", path)
		}
		if err := r.file(ctx, a, path, before, after); err != nil {
			return err
		}
	}
	return nil
}

// file is by for one file.
func (r Replayer) file(ctx context.Context, a *fleet.Automation, path string, before, after []byte) error {
	file := setters.Find(path, before)
	set, ok := moved(file.Sites, setters.Find(path, after).Sites)
	if !ok {
		return Theirs("%s has other markers, or markers of one policy that disagree", path)
	}
	for i, image := range set {
		site := file.Sites[i]
		policy := r.Set.Policy(site.Policy)
		if policy == nil && r.Set.Missing.MayHide() {
			return fmt.Errorf("ImagePolicy %s is not known: not everything could be loaded", site.Policy)
		}
		if policy == nil || !a.Selects(policy) {
			return Theirs("ImageUpdateAutomation %s doesn't write ImagePolicy %s", a.Name, site.Policy)
		}
		if err := r.Select(ctx, policy).mayShow(ctx, site, image); err != nil {
			return err
		}
		image.Name = policy.Repository.Image // else the bytes are others
		set[i] = image
		anyKind(site)
	}
	made, _, err := file.Apply(set)
	if err != nil || !bytes.Equal(made, after) {
		return Theirs("%s has other bytes than marked values", path)
	}
	return nil
}

// anyKind has a site's markers take every value: earlier versions also wrote where
// a value isn't what its marker names, and what they propose there is to be taken
// back.
func anyKind(site pinsetter.Site) {
	for i := range site.Markers {
		site.Markers[i].Kind = pinsetter.KindAny
	}
}

// moved returns what sites show after a commit that changed them, by their index,
// and false where the sites aren't the same ones, or one shows several images.
func moved(before, after []pinsetter.Site) (map[int]pinsetter.Image, bool) {
	if len(before) != len(after) {
		return nil, false
	}
	set := map[int]pinsetter.Image{}
	for i, was := range before {
		is := after[i]
		if slices.Equal(was.Markers, is.Markers) {
			continue
		}
		if was.Policy != is.Policy || len(is.Written) > 1 {
			return nil, false
		}
		set[i] = pinsetter.Image{}
		if len(is.Written) == 1 {
			set[i] = is.Written[0]
		}
	}
	return set, true
}
