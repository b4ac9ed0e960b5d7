package hook

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// cdEvent is the common part of all CDEvents
// (https://github.com/cdevents/spec/blob/v0.4.1/spec.md, "Required Context
// Attributes" and "Subject"). The content of subjects isn't used, and so isn't
// needed: Flux takes events without.
type cdEvent struct {
	Context struct {
		Version     string `json:"version"`
		SpecVersion string `json:"specversion"` // the attribute's name since 0.5
		ID          string `json:"id"`
		Source      string `json:"source"`
		Type        string `json:"type"`
		Timestamp   string `json:"timestamp"`
	} `json:"context"`
	Subject struct {
		ID string `json:"id"`
	} `json:"subject"`
}

// cdEventType is the grammar of a type: its subject, predicate and version.
var cdEventType = pinsetter.Pattern(`^dev\.(cdevents|cdeventsx)(\.[a-z][a-z0-9-]*)+\.[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// checkCDEvents lets in an event in any mode of CloudEvents over HTTP. Of a
// batch all must be events, and one listed.
func checkCDEvents(_ context.Context, _ *Handler, d delivery) error {
	events, err := d.cloudEvents()
	if err != nil {
		return err
	}
	var unlisted error
	listed := false
	for _, one := range events {
		if err := one.check(); err != nil {
			return err
		}
		if err := d.lists(one.kind, "Ce-Type"); err != nil {
			unlisted = err
		} else {
			listed = true
		}
	}
	if listed {
		return nil
	}
	return unlisted
}

// cloudEvent is an event as CloudEvents carries it
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md,
// section 3).
type cloudEvent struct {
	kind string // its type, outside of the data; "": not said
	data []byte
}

// envelope is an event in structured mode, or one of a batch
// (…/cloudevents/formats/json-format.md).
type envelope struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
	Text []byte          `json:"data_base64"`
}

func (e envelope) event() cloudEvent {
	if len(e.Data) == 0 {
		return cloudEvent{e.Type, e.Text}
	}
	return cloudEvent{e.Type, e.Data}
}

// cloudEvents returns the events of a delivery, one or more: the body itself in
// binary mode.
func (d delivery) cloudEvents() ([]cloudEvent, error) {
	kind, _, _ := mime.ParseMediaType(d.header.Get("Content-Type"))
	switch kind {
	case "application/cloudevents+json":
		var one envelope
		err := d.reads(&one)
		return []cloudEvent{one.event()}, err
	case "application/cloudevents-batch+json":
		var batch []envelope
		if json.Unmarshal(d.body, &batch) != nil || len(batch) == 0 {
			return nil, errors.New("the body is not a list of CloudEvents")
		}
		var all []cloudEvent
		for _, one := range batch {
			all = append(all, one.event())
		}
		return all, nil
	}
	return []cloudEvent{{d.header.Get("Ce-Type"), d.body}}, nil
}

// check refuses an event that isn't a CDEvent. Events are listed by the type
// outside of the data, so the data must not name another.
func (e cloudEvent) check() error {
	var event cdEvent
	if err := readObject(e.data, &event); err != nil {
		return err
	}
	if err := event.check(); err != nil {
		return err
	}
	if e.kind != "" && !strings.EqualFold(e.kind, event.Context.Type) {
		return errors.New("the type of its CloudEvent (header Ce-Type, or type in structured mode) and of its body differ")
	}
	return nil
}

func (e cdEvent) check() error {
	source, err := url.Parse(e.Context.Source)
	switch {
	case e.Context.Version+e.Context.SpecVersion == "", e.Context.ID == "", e.Subject.ID == "":
		return errors.New("the CDEvent lacks context.version, context.id or subject.id")
	case err != nil || source.String() == "":
		return errors.New("the CDEvent's context.source is not a URI")
	case !cdEventType().MatchString(e.Context.Type):
		return errors.New("the CDEvent's context.type is not one")
	}
	if _, err := time.Parse(time.RFC3339, e.Context.Timestamp); err != nil {
		return errors.New("the CDEvent's context.timestamp is not in RFC 3339")
	}
	return nil
}
