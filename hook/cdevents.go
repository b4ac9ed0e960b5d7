package hook

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// cdEvent is the common part of all CDEvents
// (https://github.com/cdevents/spec/blob/v0.4.1/spec.md, "Required Context
// Attributes" and "Subject"). The content of subjects isn't used, and so isn't
// checked.
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
		ID      string         `json:"id"`
		Content map[string]any `json:"content"`
	} `json:"subject"`
}

// cdEventType is the grammar of a type: its subject, predicate and version.
var cdEventType = pinsetter.Pattern(`^dev\.(cdevents|cdeventsx)(\.[a-z][a-z0-9-]*)+\.[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

func checkCDEvents(_ *Handler, d delivery) error {
	var event cdEvent
	if err := d.reads(&event); err != nil {
		return err
	}
	if err := event.check(); err != nil {
		return err
	}
	// Events are filtered by the header, so the body must not name another
	// type.
	const header = "Ce-Type"
	if named := d.header.Get(header); named != "" && !strings.EqualFold(named, event.Context.Type) {
		return fmt.Errorf("its header %s and its body are of different types", header)
	}
	return d.listed(header)
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
	case e.Subject.Content == nil:
		return errors.New("the CDEvent lacks subject.content")
	}
	if _, err := time.Parse(time.RFC3339, e.Context.Timestamp); err != nil {
		return errors.New("the CDEvent's context.timestamp is not in RFC 3339")
	}
	return nil
}
