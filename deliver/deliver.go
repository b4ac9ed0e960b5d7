package deliver

import (
	"context"
	"errors"
	"fmt"

	"github.com/pinsetter/pinsetter/artifact"
	"github.com/pinsetter/pinsetter/registry"
)

// What may stand in the way of a delivery; check with errors.Is.
var (
	ErrTaken = errors.New("the tag names something else") // a tag that keeps its artifact has another one
	ErrMoved = errors.New("the tag was moved meanwhile")  // somebody moved a tag while it was to be moved
)

// Move is a tag that is to name the artifact.
type Move struct {
	Tag string
	Was string // the digest that it named when it was looked at; "": none
}

// Order is what is to be delivered, and where to.
type Order struct {
	Built  *artifact.Built
	To     *registry.Repository
	Tag    string // that the artifact keeps
	Moves  []Move
	Signer *Signer           // nil: nothing is signed
	Doing  func(what string) // told of each step; nil: nobody
}

// Deliver pushes the artifact: its parts, the manifest by its digest, the signature,
// the tag that it keeps, and then moves tags. Each tag is looked at before and after.
// Nothing that is right already is sent. If it is broken off, it can be done again.
func (o Order) Deliver(ctx context.Context) error {
	there, err := Look(ctx, o.To, o.Tag)
	if err != nil {
		return err
	}
	if there != "" && there != o.Built.Digest {
		return fmt.Errorf("%s:%s names %s, and %s was built: %w, and a tag that was pushed is never overwritten", o.To.Name(), o.Tag, there, o.Built.Digest, ErrTaken)
	}
	if there == "" {
		if err := o.push(ctx); err != nil {
			return err
		}
	}
	if o.Signer != nil {
		o.say("signing " + o.Built.Digest)
		if err := o.Signer.Sign(ctx, o.To, o.Built.Digest); err != nil {
			return fmt.Errorf("sign %s@%s: %w", o.To.Name(), o.Built.Digest, err)
		}
	}
	if there == "" {
		if err := o.keep(ctx); err != nil {
			return err
		}
	}
	for _, m := range o.Moves {
		if err := o.move(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// Moved returns the tags that Deliver moves.
func (o Order) Moved() []string {
	var tags []string
	for _, m := range o.Moves {
		tags = append(tags, m.Tag)
	}
	return tags
}

func (o Order) say(what string) {
	if o.Doing != nil {
		o.Doing(what)
	}
}

// push pushes the artifact without a tag.
func (o Order) push(ctx context.Context) error {
	o.say("pushing to " + o.To.Name())
	if err := o.Built.PushParts(ctx, o.To); err != nil {
		return err
	}
	_, err := o.To.PushManifest(ctx, o.Built.Digest, o.Built.MediaType(), o.Built.Document)
	return err
}

// keep gives the artifact the tag that it keeps.
func (o Order) keep(ctx context.Context) error {
	switch there, err := o.digestOf(ctx, o.Tag); {
	case err != nil:
		return err
	case there != "" && there != o.Built.Digest:
		return fmt.Errorf("%s:%s names %s since just now: %w", o.To.Name(), o.Tag, there, ErrTaken)
	}
	return o.tag(ctx, o.Tag, ErrTaken)
}

// move makes a tag name the artifact, if it is still where it was.
func (o Order) move(ctx context.Context, m Move) error {
	o.say("moving " + o.To.Name() + ":" + m.Tag)
	there, err := o.digestOf(ctx, m.Tag)
	switch {
	case err != nil:
		return err
	case there == o.Built.Digest:
		return nil
	case there != m.Was:
		return fmt.Errorf("%s:%s names %s since just now: %w", o.To.Name(), m.Tag, orNothing(there), ErrMoved)
	}
	return o.tag(ctx, m.Tag, ErrMoved)
}

// tag writes a tag, and looks whether it names the artifact then. Lost is the error if
// it doesn't.
func (o Order) tag(ctx context.Context, tag string, lost error) error {
	if _, err := o.To.PushManifest(ctx, tag, o.Built.MediaType(), o.Built.Document); err != nil {
		return err
	}
	there, err := o.digestOf(ctx, tag)
	if err == nil && there != o.Built.Digest {
		err = fmt.Errorf("%s:%s was given %s and names %s right after: %w", o.To.Name(), tag, o.Built.Digest, orNothing(there), lost)
	}
	return err
}

// digestOf returns the digest that a tag names, "" if it isn't there.
func (o Order) digestOf(ctx context.Context, tag string) (string, error) {
	digest, err := o.To.Digest(ctx, tag)
	if errors.Is(err, registry.ErrNotFound) {
		return "", nil
	}
	return digest, err
}

// Look returns the digest that a tag of a repository names, "" if it isn't there. Some
// registries deny to look for what isn't there yet, so that "" is no proof: a delivery
// looks again once it has pushed something, and then takes no denial for an answer.
func Look(ctx context.Context, in *registry.Repository, tag string) (string, error) {
	digest, err := in.Digest(ctx, tag)
	if errors.Is(err, registry.ErrNotFound) || errors.Is(err, registry.ErrDenied) {
		return "", nil
	}
	return digest, err
}

func orNothing(digest string) string {
	if digest == "" {
		return "nothing"
	}
	return digest
}
