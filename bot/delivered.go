package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/deliver"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/store"
)

// lastDelivery is the artifact that counts as delivered last: the first moving tag names
// it, else the ledger does.
type lastDelivery struct {
	digest string // "": there is none
	claim  deliver.Claim
	stale  bool // some of its changes don't fit the source any more
	others bool // another Pinsetter delivered it, or one whose state was lost

	forgotten map[store.Site]bool // sites of which it counts for nothing what was written
}

// artifactMemory is what the ledger knows of an ArtifactAutomation.
type artifactMemory struct {
	Delivered []string `json:"delivered,omitempty"` // digests, the latest first, maxDelivered at most
	Begun     string   `json:"begun,omitempty"`     // digest of a delivery that didn't come to its end; "": all did
	Base      string   `json:"base,omitempty"`      // that the latest was built on
	Objects   string   `json:"objects,omitempty"`   // fingerprint of the set that it was delivered by
	Quiet     *quiet   `json:"quiet,omitempty"`     // the last run that found nothing to do; nil: the last one did
}

// maxDelivered bounds the artifacts that are known to be the bot's without reading what
// they were built on.
const maxDelivered = 200

// isOurs reports whether the bot is known to have made an artifact.
func (m artifactMemory) isOurs(digest string) bool {
	return digest == m.Begun || slices.Contains(m.Delivered, digest)
}

func (m artifactMemory) latest() string {
	if len(m.Delivered) == 0 {
		return ""
	}
	return m.Delivered[0]
}

// begins returns the memory while a delivery is under way.
func (m artifactMemory) begins(digest string) artifactMemory {
	list := slices.Clone(m.Delivered)
	if m.Begun != "" && !slices.Contains(list, m.Begun) { // given up
		list = append(list, m.Begun)
	}
	return artifactMemory{Delivered: list[:min(len(list), maxDelivered)], Begun: digest, Base: m.Base, Objects: m.Objects}
}

// delivered returns the memory after a delivery.
func (m artifactMemory) delivered(digest, base, objects string) artifactMemory {
	list := append([]string{digest}, slices.DeleteFunc(slices.Clone(m.Delivered), func(d string) bool { return d == digest })...)
	return artifactMemory{Delivered: list[:min(len(list), maxDelivered)], Base: base, Objects: objects}
}

func artifactKey(a *fleet.Automation) string {
	return "artifact\n" + RepositoryOf(a) + "\n" + a.Name.String()
}

// recallArtifact returns what the ledger knows of an ArtifactAutomation.
func (m *laneMemory) recallArtifact(ctx context.Context, a *fleet.Automation) artifactMemory {
	if m.selector.Failing.Now() {
		return artifactMemory{}
	}
	body, err := m.selector.Ledger.Quiet().Of(ctx, artifactKey(a))
	if err != nil {
		m.selector.Failing.Failed(err)
		return artifactMemory{}
	}
	return readArtifactMemory(body)
}

// readArtifactMemory returns the memory that JSON holds: the zero one, as if nothing
// were known, if it holds none, or one that the bot doesn't write.
func readArtifactMemory(body []byte) artifactMemory {
	var known artifactMemory
	isNone := func(digest string) bool { return !pinsetter.ValidDigest(digest) }
	if json.Unmarshal(body, &known) != nil || len(known.Delivered) > maxDelivered || slices.ContainsFunc(known.Delivered, isNone) ||
		known.Begun != "" && isNone(known.Begun) || known.Base != "" && isNone(known.Base) {
		return artifactMemory{}
	}
	return known
}

func (m *laneMemory) keepArtifact(ctx context.Context, a *fleet.Automation, known artifactMemory) {
	if m.mode != Push || m.selector.Failing.Now() {
		return
	}
	body, _ := json.Marshal(known) // of texts and a time
	if err := m.selector.Ledger.Quiet().Put(ctx, m.selector.Now, artifactKey(a), body); err != nil {
		m.selector.Failing.Failed(err)
	}
}

// quiet implements target. Nothing can be to do if the source, the objects and what
// policies select are those of the last run, which found that its delivery was there.
func (r *artifactTarget) quiet(ctx context.Context) []*Result {
	last := r.known.Quiet
	if last == nil || last.Base != r.digest || !r.memory.stillHolds(ctx, last) {
		return nil
	}
	result := plan.NewResult(r.automation)
	result.Revision, result.Unmarked = r.revision, len(last.Unmarked) > 0
	return []*Result{result}
}

// keepQuiet remembers whether a run found nothing to do.
func (r *artifactTarget) keepQuiet(ctx context.Context, p *plan.Plan) {
	now := &quiet{At: r.now, Base: r.digest, Objects: r.memory.fingerprint(), Selected: map[string]string{}}
	if !r.stands(p) || r.last.digest != r.known.latest() || !r.memory.settles(ctx, p, now.Selected) {
		now = nil
	}
	if now != nil && p.Result.Unmarked {
		now.Unmarked = []string{r.automation.Name.String()}
	}
	last := r.known.Quiet
	if now == nil && last == nil || now != nil && last != nil && now.Base == last.Base && now.Objects == last.Objects &&
		maps.Equal(now.Selected, last.Selected) && r.now.Sub(last.At) < quietFor && !r.now.Before(last.At) {
		return
	}
	r.known.Quiet = now
	r.memory.keepArtifact(ctx, r.automation, r.known)
}

// stands reports whether the last delivery is what would be delivered now, or was put
// there by somebody and nothing is newer.
func (r *artifactTarget) stands(p *plan.Plan) bool {
	latest := r.known.latest()
	switch {
	case r.last.digest == "" || latest == "" || len(p.Files) > 0 || r.last.others || r.known.Begun != "":
		return false
	case r.last.digest != latest: // somebody moved the tag back
		return r.known.Base == r.digest
	}
	return r.last.claim.Base == r.digest && !r.last.stale && r.known.Objects == r.memory.fingerprint()
}

// sayStanding says if somebody moved the tag back to an earlier artifact.
func (r *artifactTarget) sayStanding() {
	if r.last.digest != r.known.latest() {
		r.o.Log.Info("somebody moved the tag to an earlier artifact, which stays until there is something newer",
			"automation", r.automation.Name, "tag", r.automation.Delivery.MoveTags[0], "digest", r.last.digest)
	}
}

// lookBack finds the last delivery. An artifact that the bot didn't make is an error:
// it would be lost.
func (r *artifactTarget) lookBack(ctx context.Context) error {
	r.last = lastDelivery{forgotten: map[store.Site]bool{}}
	digest, tag := r.known.latest(), ""
	if tags := r.automation.Delivery.MoveTags; len(tags) > 0 {
		tag = tags[0]
		named, err := deliver.Look(ctx, r.to, tag)
		if err != nil {
			return err
		}
		if named != "" {
			digest = named
		}
	}
	if digest == "" {
		return nil
	}
	document, err := r.to.Manifest(ctx, digest)
	if errors.Is(err, registry.ErrNotFound) && digest == r.known.latest() {
		return nil // deleted: nothing is known of what it showed
	}
	if err != nil {
		return err
	}
	claim, err := deliver.ParseClaim(document)
	if err == nil && !r.known.isOurs(digest) {
		err = r.replay().Check(ctx, claim, document)
		r.last.others = err == nil
	}
	if err != nil {
		return r.foreign(tag, digest, err)
	}
	if r.last.others && r.known.latest() != "" {
		r.o.Log.Warn("another Pinsetter delivered what the tag names; it is built on anew", "automation", r.automation.Name, "tag", tag, "digest", digest)
	}
	r.last.digest, r.last.claim = digest, claim
	return nil
}

// replay tells which artifacts the automation made.
func (r *artifactTarget) replay() deliver.Replay {
	return deliver.Replay{Set: r.set, Automation: r.automation, From: r.from}
}

func (r *artifactTarget) foreign(tag, digest string, why error) error {
	return fmt.Errorf("%s:%s names %s, which this automation didn't make (%w), and would be lost: "+
		"to go on, delete the tag or make it name an artifact of the automation, or move another tag (spec.push.moveTags)", r.to.Name(), tag, digest, why)
}

// moves returns the tags that are to name an artifact, with what they name now. One
// that names what the bot didn't make is an error.
func (r *artifactTarget) moves(ctx context.Context, digest string) ([]deliver.Move, error) {
	var moves []deliver.Move
	for _, tag := range r.automation.Delivery.MoveTags {
		was, err := deliver.Look(ctx, r.to, tag)
		if err != nil {
			return nil, err
		}
		if was != "" && was != digest && was != r.last.digest && !r.known.isOurs(was) {
			document, err := r.to.Manifest(ctx, was)
			if err != nil {
				return nil, err
			}
			claim, err := deliver.ParseClaim(document)
			if err == nil {
				err = r.replay().Check(ctx, claim, document)
			}
			if err != nil {
				return nil, r.foreign(tag, was, err)
			}
		}
		moves = append(moves, deliver.Move{Tag: tag, Was: was})
	}
	return moves, nil
}

// mayBegin fails if it isn't known what was delivered before, and the decisions are not
// all there: what is left undecided would go back to what CI published.
func (r *artifactTarget) mayBegin(ctx context.Context, p *plan.Plan) error {
	if r.last.digest != "" || len(p.Result.Held)+len(p.Result.Soon) == 0 && p.Result.Err == nil {
		return nil
	}
	listing, err := r.to.Tags(ctx)
	switch {
	case errors.Is(err, registry.ErrNotFound), errors.Is(err, registry.ErrEmpty):
		return nil
	case err != nil:
		return err
	}
	if !slices.ContainsFunc(listing.Tags, func(tag string) bool { return !pinsetter.ReservedTag(tag) }) {
		return nil
	}
	return fmt.Errorf("%s has tags, and it isn't known what was delivered last (was the state lost?), while not everything can be decided now: "+
		"nothing is delivered, since that could take values back. Name a tag that moves (spec.push.moveTags), or wait until nothing is held", r.to.Name())
}
