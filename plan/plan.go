// Package plan holds what one automation writes on one snapshot of a branch: the
// files with markers, what their sites take, the new bytes, and the commit with them.
// What is known of the sites there is the plan's Ground.
package plan

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/store"
)

// Plan is what one automation does on top of one snapshot.
type Plan struct {
	Automation *fleet.Automation
	Ground     *Ground
	Marked     []File
	Policies   map[pinsetter.Name]*decide.Policy // that its sites are decided by
	Only       *fleet.Policy                     // decide nothing but this policy's sites; nil: all
	FileErr    error                             // files that could not be read
	Result     *Result
	Unsettled  bool // more written digests are to be verified than were asked for

	Files   map[string][]byte // new bytes by path; Apply sets them
	Written []message.Written // for the message; Apply sets it
	Wrote   map[store.Site]pinsetter.Image
	origins map[pinsetter.Image]pinsetter.Provenance // of what is written, as Trace was told

	Hash string           // of the commit, "" until there is one
	Text string           // of the commit, without trailers; Message sets it
	Head *gitops.Snapshot // with the commit, or what it would be on
}

// New returns a plan of an automation that writes nothing yet.
func New(a *fleet.Automation, g *Ground) *Plan {
	p := &Plan{Automation: a, Ground: g, Result: NewResult(a)}
	p.Result.Revision = g.Revision
	return p
}

// For returns a plan for the same files that decides the sites of one policy alone.
func (p *Plan) For(policy *fleet.Policy) *Plan {
	q := New(p.Automation, p.Ground)
	q.Only = policy
	for _, file := range p.Marked {
		q.Marked = append(q.Marked, NewFile(file.File, file.Path, file.Data))
	}
	return q
}

// File is a file with markers, and what its sites take.
type File struct {
	*setters.File
	Path  string
	Data  []byte
	Takes map[int]pinsetter.Image // by index of the site

	// Kept are sites that take what is proposed already, though it could not be
	// written now: it waits, or it is refused, and then never written again.
	Kept map[int]decide.Fate
}

// NewFile returns a file whose sites take nothing yet.
func NewFile(found *setters.File, path string, data []byte) File {
	return File{found, path, data, map[int]pinsetter.Image{}, map[int]decide.Fate{}}
}

// Take has the i-th site take what was decided.
func (f File) Take(i int, d decide.Decision) {
	if d.Takes.Tag != "" {
		f.Takes[i] = d.Takes
	}
	if d.Fate == decide.Waits || d.Fate == decide.Refused {
		f.Kept[i] = d.Fate
	}
}

// Apply is step 4: new bytes for the files whose sites take something else than
// they show. Done again, it replaces what it gave before.
func (p *Plan) Apply() {
	var patch strings.Builder
	p.Files, p.Wrote, p.Written = map[string][]byte{}, map[store.Site]pinsetter.Image{}, nil
	p.Result.Changes = []pinsetter.Change{}
	for _, file := range p.Marked {
		data, changes, err := file.Apply(file.Takes)
		if errors.Is(err, setters.ErrNote) {
			err = misremembered(err)
		}
		if err != nil {
			p.Result.Fail(err)
			continue
		}
		if len(changes) == 0 {
			continue
		}
		p.Files[file.Path] = data
		p.Result.Changes = append(p.Result.Changes, changes...)
		for i, image := range file.Takes {
			if site := file.Sites[i]; !decide.ShownAt(site, image) {
				p.Wrote[p.Ground.Key(site)] = gate.Standing(site, image)
			}
			p.Written = append(p.Written, message.Written{Policy: file.Sites[i].Policy, Image: image})
		}
		patch.WriteString(Patch(file.Path, file.Data, data))
	}
	p.Result.Patch, p.Result.Summary = patch.String(), message.Summary(p.MessageData())
}

// Patch returns the unified diff of a file. Without old bytes the file is new, and
// without data it is gone.
func Patch(path string, old, data []byte) string {
	from, to := "a/"+path, "b/"+path
	if old == nil {
		from = "/dev/null"
	}
	if data == nil {
		to = "/dev/null"
	}
	return udiff.Unified(from, to, string(old), string(data))
}

// StackPatch has the plan's diff be on top of what other plans on the same snapshot
// take, by path and index of the site, and adds what it takes itself.
func (p *Plan) StackPatch(taken map[string]map[int]pinsetter.Image) {
	var patch strings.Builder
	for _, file := range p.Marked {
		if _, changed := p.Files[file.Path]; !changed {
			continue
		}
		if taken[file.Path] == nil {
			taken[file.Path] = map[int]pinsetter.Image{}
		}
		before, _, _ := file.Apply(taken[file.Path]) // their plans say what fails
		maps.Copy(taken[file.Path], file.Takes)
		after, _, _ := file.Apply(taken[file.Path])
		patch.WriteString(udiff.Unified("a/"+file.Path, "b/"+file.Path, string(before), string(after)))
	}
	p.Result.Patch = patch.String()
}

// IsBlind reports whether markers may be in files that can't be read now.
func (p *Plan) IsBlind() bool {
	return slices.ContainsFunc(p.Result.Findings, func(f pinsetter.Finding) bool {
		return f.Code == setters.CodeUnparsable || f.Code == setters.CodeTooLarge
	})
}

// IsUnmarked reports whether everything could be read, and no marker is there.
func (p *Plan) IsUnmarked() bool {
	return p.FileErr == nil && !p.IsBlind() && !slices.ContainsFunc(p.Marked, func(f File) bool { return len(f.Sites) > 0 })
}

// IsClosed reports whether nothing may be written now at a site of the plan.
func (p *Plan) IsClosed() bool {
	for _, policy := range p.Policies {
		if policy.Walk != nil && policy.Walk.Closed() {
			return true
		}
	}
	return false
}

// Hold returns the hold of a site, also one that nobody is told of, or nil.
func (p *Plan) Hold(site pinsetter.Site) *pinsetter.Hold {
	for _, holds := range [][]pinsetter.Hold{p.Result.Held, p.Result.Soon} {
		for i, h := range holds {
			if h.Path == site.Path && h.Line == site.Line() && h.Policy == site.Policy.String() {
				return &holds[i]
			}
		}
	}
	return nil
}

// Trace takes where written images come from, for the message and the result. What
// publishers claim is made harmless. Call it before Commit.
func (p *Plan) Trace(origins map[pinsetter.Image]pinsetter.Provenance) {
	p.origins = make(map[pinsetter.Image]pinsetter.Provenance, len(origins))
	for image, from := range origins {
		p.origins[image] = message.Inert(from)
	}
}

// images returns what the plan writes, each image once for each policy, sorted.
func (p *Plan) images() []pinsetter.Written {
	images := []pinsetter.Written{}
	for _, w := range p.Written {
		from := p.origins[w.Image]
		from.Digest = cmp.Or(w.Image.Digest, from.Digest)
		images = append(images, pinsetter.Written{Policy: w.Policy.String(), Ref: w.Image.String(), Provenance: from})
	}
	slices.SortFunc(images, func(a, b pinsetter.Written) int {
		return cmp.Or(strings.Compare(a.Policy, b.Policy), strings.Compare(a.Ref, b.Ref))
	})
	return slices.Compact(images)
}

// Commit adds the plan's commit on top of head, which is returned where there is
// nothing to commit.
func (p *Plan) Commit(ctx context.Context, head *gitops.Snapshot, when time.Time) (*gitops.Snapshot, error) {
	return p.CommitOver(ctx, head, nil, when)
}

// CommitOver is Commit for a commit that goes on top of a branch, with the files of
// head (gitops.Commit.Over).
func (p *Plan) CommitOver(ctx context.Context, head *gitops.Snapshot, over *gitops.PushState, when time.Time) (*gitops.Snapshot, error) {
	if len(p.Files) == 0 {
		return head, nil
	}
	text, err := p.Describe()
	if err != nil {
		return nil, err
	}
	if err := p.checkOld(ctx, head); err != nil {
		return nil, err
	}
	next, err := head.Commit(gitops.Commit{
		Files:      p.Files,
		Message:    text,
		Author:     Author(p.Automation),
		When:       when,
		SigningKey: p.Automation.SigningKey,
		Over:       over,
	})
	if err != nil {
		return nil, err
	}
	p.Hash = next.Hash()
	return next, nil
}

// checkOld reports a file whose bytes are other ones than the plan has read: where
// directories and files are was remembered, and a commit trusts no memory.
func (p *Plan) checkOld(ctx context.Context, head *gitops.Snapshot) error {
	for _, file := range p.Marked {
		if _, changed := p.Files[file.Path]; !changed {
			continue
		}
		now, found, err := head.Read(ctx, file.Path)
		if err == nil && (!found || !bytes.Equal(now, file.Data)) {
			err = misremembered(fmt.Errorf("%s of %s has other bytes than were decided on", file.Path, head))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// misremembered says what to do about a memory that is wrong, which its checksum
// and its keys should rule out.
func misremembered(err error) error {
	return fmt.Errorf("%w: what was kept of an earlier run is wrong: delete the folder git beside the state, which costs time only", err)
}

// Describe is Message, and has the result say which images are written.
func (p *Plan) Describe() (string, error) {
	p.Result.Images = p.images()
	return p.Message()
}

// Message returns the message of the plan's commit, with its trailers.
func (p *Plan) Message() (string, error) {
	a := p.Automation
	text, err := a.Message.Commit(p.MessageData())
	if err != nil {
		return "", err
	}
	p.Text = text
	if a.Trailers {
		trailers := message.Trailers(a.Name, p.Result.Changes)
		text = message.Append(text, append(trailers, message.ImageTrailers(p.Result.Images)...))
	}
	return text, nil
}

// MessageData returns what messages are rendered from.
func (p *Plan) MessageData() message.Data {
	return message.Data{
		Automation: p.Automation.Name,
		Path:       p.Automation.Path,
		Changes:    p.Result.Changes,
		Images:     p.Written,
		Origins:    p.origins,
	}
}
