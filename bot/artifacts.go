package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/deliver"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/plan"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/resolve"
	"github.com/pinsetter/pinsetter/selector"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
)

// isDelivery reports whether an automation writes into an artifact.
func isDelivery(a *fleet.Automation) bool { return a.Delivery != nil }

// artifactTarget is the target of an ArtifactAutomation. Each delivery is built on what
// its source leads to, with the changes of the last one done again; nothing is built on
// what the bot delivered.
type artifactTarget struct {
	*cycle
	lane       *lane
	automation *fleet.Automation

	tag, digest string // of the source
	revision    string // of the source, for people
	from, to    *registry.Repository
	known       artifactMemory
	last        lastDelivery
	base        *artifact.Base // nil until it is read
	files       []artifactFile // with markers
	plan        *plan.Plan     // nil until markers are found
	findings    []pinsetter.Finding
}

// artifactFile is a file of the source with markers.
type artifactFile struct {
	path   string
	source *setters.File
	shown  *setters.File // as the last delivery shows it, on this source
	data   []byte        // of shown
}

// close implements target.
func (r *artifactTarget) close() {
	if r.base != nil {
		r.base.Close()
	}
}

// fetch implements target: it finds out what the source leads to, and recalls what was
// delivered.
func (r *artifactTarget) fetch(ctx context.Context) error {
	source := r.automation.Delivery.Source
	r.lane.seat.Using(nil) // of a lane before
	r.o.Progress("asking for " + source.Spec.URL)
	var err error
	if r.tag, r.digest, err = resolve.Digest(ctx, r.selector.Scanner, source); err != nil {
		return err
	}
	r.revision = strings.TrimPrefix(r.tag+"@"+r.digest, "@")
	r.lane.revision = r.revision
	r.known = r.memory.recallArtifact(ctx, r.automation)
	return nil
}

// read implements target: it verifies and reads the source, and finds its markers as the
// last delivery shows them.
func (r *artifactTarget) read(ctx context.Context) error {
	if err := r.verifySource(ctx); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	if err := r.lookBack(ctx); err != nil {
		return err
	}
	mediaType, _ := r.automation.Delivery.Source.Layer()
	var err error
	if r.base, err = artifact.OpenBase(ctx, r.from, r.digest, mediaType); err != nil {
		return err
	}
	r.o.Progress("reading " + r.automation.Name.String())
	if err := r.base.Fetch(ctx); err != nil {
		return err
	}
	return r.findFiles(ctx)
}

// verifySource fails unless the source can be pulled as Flux would, verified if it has
// verify.
func (r *artifactTarget) verifySource(ctx context.Context) error {
	found := r.resolution(ctx, r.automation.Delivery.Source)
	if found.Err != nil {
		return fmt.Errorf("OCIRepository %s: %w", r.automation.Delivery.Source.Name, found.Err)
	}
	if found.Digest != r.digest { // a cycle asks once, so this doesn't happen
		return fmt.Errorf("OCIRepository %s: it led to %s, and to %s right after", r.automation.Delivery.Source.Name, r.digest, found.Digest)
	}
	if s := found.Signature; s != nil && s.Verdict != pinsetter.SignatureVerified {
		return fmt.Errorf("OCIRepository %s: %s is not built on, since its signature is not verified: %s", r.automation.Delivery.Source.Name, r.digest, s.Reason)
	}
	return nil
}

// open opens the repositories. What is pushed to must not be what the source reads.
func (r *artifactTarget) open() error {
	d := r.automation.Delivery
	var err error
	if r.from, err = r.selector.Scanner.Open(d.Source.Repository); err != nil {
		return err
	}
	if r.mode != Push {
		r.to, err = r.selector.Scanner.Open(d.Repository)
		return err
	}
	if r.to, err = r.selector.Scanner.OpenToWrite(d.Repository, d.Source.Repository); err != nil {
		return err
	}
	for _, tag := range d.MoveTags {
		if err := r.notRead("spec.push.moveTags", tag); err != nil {
			return err
		}
	}
	return nil
}

// notRead fails if the source may come to read a tag that is pushed.
func (r *artifactTarget) notRead(field, tag string) error {
	if source := r.automation.Delivery.Source; r.from.Name() == r.to.Name() && source.Reads(tag) {
		return fmt.Errorf("%s: %s:%s is what OCIRepository %s reads, so that the bot would build on what it made itself: push to another repository", field, r.to.Name(), tag, source.Name)
	}
	return nil
}

// findFiles finds the markers below the automation's path, and does the last
// delivery's changes again there.
func (r *artifactTarget) findFiles(ctx context.Context) error {
	a := r.automation
	found, err := r.base.Files(ctx, artifact.Wanted{Folder: a.Path, Name: setters.IsCandidate, Holds: setters.HasToken, Most: setters.MaxSize})
	if err != nil {
		return fmt.Errorf("spec.update.path: %w", err)
	}
	for i, file := range found {
		switch {
		case file.Unusual != "": // no file, as in Git
			continue
		case file.Err != nil:
			r.findings = append(r.findings, setters.TooLarge(file.Name, file.Err))
			continue
		case i > 0 && found[i-1].Name == file.Name:
			return fmt.Errorf("%s is in the artifact twice, so that it can't be told which is meant", file.Name)
		}
		source := setters.Find(file.Name, file.Data)
		redone, err := deliver.Redo(file.Name, source, file.Data, r.last.claim.Changes)
		if err != nil {
			return err
		}
		at := artifactFile{path: file.Name, source: source, shown: source, data: redone.Data}
		if len(redone.Took) > 0 {
			at.shown = setters.Find(file.Name, redone.Data)
		}
		for i, site := range at.shown.Sites {
			if !redone.Took[i] && (r.last.digest == "" || r.last.claim.Base != r.digest) {
				r.last.forgotten[r.ground().Key(site)] = true // CI publishes what it wants there
			}
		}
		r.last.stale = r.last.stale || len(redone.Stale) > 0
		r.findings = append(r.findings, at.shown.Findings...)
		r.files = append(r.files, at)
	}
	return nil
}

// ground is what the plan is about: the sites as the last delivery shows them, on what
// CI publishes now.
func (r *artifactTarget) ground() *plan.Ground {
	return &plan.Ground{
		ReadAt: r.now, Revision: r.revision, Repository: RepositoryOf(r.automation), Base: r.automation.Name.String(),
		Forgets: func(site store.Site) bool { return r.last.forgotten[site] || r.last.others },
	}
}

// find implements target.
func (r *artifactTarget) find(_ context.Context, a *fleet.Automation) *plan.Plan {
	p := plan.New(a, r.ground())
	p.Result.Findings = slices.Clone(r.findings)
	var used int64
	for _, file := range r.files {
		p.Marked = append(p.Marked, plan.NewFile(file.shown, file.path, file.data))
		used += int64(len(file.data))
	}
	r.lane.seat.Using(func() int64 { return used })
	p.Result.Unmarked = p.IsUnmarked()
	r.plan = p
	return p
}

// apply implements target.
func (r *artifactTarget) apply(ctx context.Context, p *plan.Plan) error {
	r.applyPlan(ctx, r.lane, p)
	return nil
}

// deliver implements target. If nothing is pushed, nothing changed.
func (r *artifactTarget) deliver(ctx context.Context) error {
	p := r.plan
	r.lane.seat.Away(func() {
		r.keepQuiet(ctx, p)
		if err := r.pushBuilt(ctx, p); err != nil {
			p.Result.Fail(fmt.Errorf("%s %s: %w", r.automation.Kind(), r.automation.Name, err))
		}
	})
	if p.Result.Pushed == nil {
		p.Result.Changes, p.Result.Images = []pinsetter.Change{}, []pinsetter.Written{}
	}
	return nil
}

// results implements target.
func (r *artifactTarget) results() []*Result { return resultsOf(r.plan) }

// pushBuilt builds the artifact with what the plan decides, and delivers it unless it is
// what was delivered last.
func (r *artifactTarget) pushBuilt(ctx context.Context, p *plan.Plan) error {
	if r.stands(p) {
		r.sayStanding()
		return nil
	}
	if err := r.mayBegin(ctx, p); err != nil {
		return err
	}
	built, claim, err := r.build(ctx, p)
	if err != nil {
		return err
	}
	defer built.Close()
	tag, err := r.automation.Delivery.Tag.Render(message.TagData{
		SourceTag: r.tag, SourceRevision: r.base.Annotations["org.opencontainers.image.revision"],
		Hash: strings.TrimPrefix(built.Digest, "sha256:")[:12],
	})
	if err == nil {
		err = r.notRead("spec.push.tag", tag)
	}
	if err == nil && slices.Contains(r.automation.Delivery.MoveTags, tag) {
		err = fmt.Errorf("spec.push.tag: makes %q, which is in spec.push.moveTags too", tag)
	}
	if err != nil {
		return err
	}
	order := deliver.Order{Built: built, To: r.to, Tag: tag, Doing: r.o.Progress}
	if order.Moves, err = r.moves(ctx, built.Digest); err != nil {
		return err
	}
	if key := r.automation.Delivery.SigningKey; key != nil {
		if order.Signer, err = deliver.NewSigner(key); err != nil {
			return err
		}
	}
	if _, err := p.Describe(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.send(ctx, p, order, claim)
}

// send delivers, and records what was delivered.
func (r *artifactTarget) send(ctx context.Context, p *plan.Plan, order deliver.Order, claim deliver.Claim) error {
	ctx = context.WithoutCancel(ctx) // what is begun is finished
	r.selector.Tell(ctx)
	digest, finishes := order.Built.Digest, order.Built.Digest == r.known.Begun
	stood := digest == r.last.digest && !finishes
	if !stood && !finishes {
		r.known = r.known.begins(digest)
		r.memory.keepArtifact(ctx, r.automation, r.known)
	}
	ended := r.o.wait(selector.HostOf(r.to.Name()), "push to "+r.to.Name())
	err := order.Deliver(ctx)
	ended()
	if !stood || err != nil {
		r.o.Observer.Push(err)
	}
	switch {
	case errors.Is(err, deliver.ErrMoved):
		return fmt.Errorf("%w: somebody else moves it too; the next run builds anew on what is there then", err)
	case err != nil:
		return fmt.Errorf("%w; the next run goes on from there", err)
	}
	r.memory.keepArtifact(ctx, r.automation, r.known.delivered(digest, claim.Base, r.memory.fingerprint()))
	if stood {
		return nil // it was there, and the state knows so again
	}
	p.Result.Pushed = &Pushed{
		Commit: digest, Branch: order.Tag, Moved: order.Moved(), Message: p.Text,
		Artifact: fmt.Sprintf("oci://%s:%s@%s", r.to.Name(), order.Tag, digest),
	}
	p.Result.Wrote = p.Wrote
	if finishes && digest == r.last.digest { // its changes were decided in the run that began it
		p.Result.Changes, p.Result.Wrote = claim.Changes, p.Ground.WrittenBy(claim.Changes)
	}
	return nil
}

// build builds the artifact on the source, with what the last delivery shows and what
// the plan decides.
func (r *artifactTarget) build(ctx context.Context, p *plan.Plan) (*artifact.Built, deliver.Claim, error) {
	claim := deliver.Claim{Automation: r.automation.Name, Base: r.digest}
	files := map[string][]byte{}
	for _, file := range r.files {
		data, changed := p.Files[file.path]
		if !changed {
			data = file.data
		}
		if changes := deliver.Between(file.path, file.source, setters.Find(file.path, data)); len(changes) > 0 {
			claim.Changes, files[file.path] = append(claim.Changes, changes...), data
		}
	}
	annotations := maps.Clone(r.automation.Delivery.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	own, err := claim.Annotations()
	if err != nil {
		return nil, claim, err
	}
	maps.Copy(annotations, own)
	built, err := r.base.Build(ctx, files, annotations)
	return built, claim, err
}
