package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// reporter is this program's name in events.
const reporter = "pinsetter"

// The severities of Flux's events.
const (
	severityInfo  = "info"
	severityError = "error"
)

// message is an event in the form of Flux's notification-controller
// (github.com/fluxcd/pkg/apis/event/v1beta1, Event), with the original event.
type message struct {
	InvolvedObject      pinsetter.Object  `json:"involvedObject"`
	Severity            string            `json:"severity"`
	Timestamp           time.Time         `json:"timestamp"`
	Message             string            `json:"message"`
	Reason              string            `json:"reason"`
	Metadata            map[string]string `json:"metadata,omitempty"`
	ReportingController string            `json:"reportingController"`
	ReportingInstance   string            `json:"reportingInstance,omitempty"`

	alert    pinsetter.Name // that the message is sent for
	event    pinsetter.Event
	filtered string            // text that an Alert's filters look at
	static   map[string]string // the part of Metadata that the Alert adds
}

// maxMessage is Flux's bound on a message, in characters.
const maxMessage = 39000

// describe converts an event to a message.
func describe(e pinsetter.Event, instance string) message {
	e.Summary = line(clean(e.Summary), maxSummary)
	text := pinsetter.Truncate(clean(cmp.Or(e.Message, summary(e))), maxMessage)
	m := message{
		InvolvedObject: e.Object, Severity: severityInfo, Timestamp: e.At.UTC().Truncate(time.Second),
		Message: text, Reason: title(string(e.Kind)), filtered: text,
		Metadata: map[string]string{}, ReportingController: reporter, ReportingInstance: instance, event: e,
	}
	if e.Summary != "" && !strings.Contains(text, e.Summary) {
		m.Message = e.Summary + "\n\n" + pinsetter.Truncate(text, maxMessage-maxSummary-2)
	}
	if e.Kind == pinsetter.EventFailed || e.Kind == pinsetter.EventUnverified {
		m.Severity = severityError
	}
	m.InvolvedObject.APIVersion = cmp.Or(e.Object.APIVersion, "image.toolkit.fluxcd.io/v1")
	revision := ""
	switch { // in Flux's form of revisions
	case pinsetter.ValidDigest(e.Commit): // of an artifact
		revision = strings.TrimPrefix(e.Branch+"@"+e.Commit, "@")
	case e.Commit != "":
		revision = strings.TrimPrefix(e.Branch+"@sha1:"+e.Commit, "@")
	}
	for key, value := range map[string]string{
		"repository": e.Repository, "branch": e.Branch, "revision": revision, "pullRequest": e.PullRequest, "provenance": provenance(e.Images),
	} {
		if value != "" {
			m.Metadata[key] = pinsetter.Truncate(clean(value), maxMetadata)
		}
	}
	return m
}

// provenance says where images come from, of those of which that is known.
func provenance(images []pinsetter.Written) string {
	var parts []string
	for _, image := range images {
		if from := image.String(); from != "" {
			parts = append(parts, image.Ref+": "+from)
		}
	}
	return strings.Join(parts, "; ")
}

// maxSummary bounds the summary of a message, in characters.
const maxSummary = 1000

// inFluxOrder returns the message for programs that know Flux's events: Flux's
// text comes first.
func (m message) inFluxOrder() message {
	if m.Message != m.filtered {
		m.Message = pinsetter.Truncate(m.filtered, maxMessage-maxSummary-2) + "\n\n" + m.event.Summary
	}
	return m
}

// maxMetadata bounds a value of a message's metadata, in characters.
const maxMetadata = 1000

// with returns the message with an Alert's metadata added.
func (m message) with(metadata map[string]string) message {
	m.Metadata = maps.Clone(m.Metadata)
	m.static = map[string]string{}
	for key, value := range metadata {
		if _, own := m.Metadata[key]; !own {
			m.Metadata[key], m.static[key] = value, value
		}
	}
	return m
}

// object returns the object's name in Flux's form for people:
// "kind/name.namespace".
func (m message) object() string {
	o := m.InvolvedObject
	return strings.ToLower(o.Kind) + "/" + o.Name + "." + o.Namespace
}

// fact is an entry of a message's metadata.
type fact struct{ key, value string }

// maxFacts bounds the facts in a message. Pinsetter's own are five.
const maxFacts = 12

// facts returns the metadata to display, at most maxFacts entries: the summary
// first, the rest sorted by key.
func (m message) facts() []fact {
	var all []fact
	for _, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		if value := m.Metadata[key]; key != "" && value != "" && key != "summary" {
			all = append(all, fact{key, value})
		}
	}
	if value := m.Metadata["summary"]; value != "" {
		all = slices.Insert(all, 0, fact{"summary", value})
	}
	return all[:min(len(all), maxFacts)]
}

// text returns the whole message as plain text, cut to the given number of
// characters.
func (m message) text(characters int) string {
	var b strings.Builder
	for _, f := range m.facts() {
		fmt.Fprintf(&b, "\n%s: %s", f.key, f.value)
	}
	facts := pinsetter.Truncate(b.String(), characters/2)
	head := mark(m) + " " + m.object() + "\n"
	return head + pinsetter.Truncate(m.Message, characters-len([]rune(head+facts))) + facts
}

// mark returns an emoji for the message.
func mark(m message) string {
	if m.Severity == severityError {
		return "🚨"
	}
	return "💫"
}

// count returns " 1 change" or " 2 changes", and "" for 0.
func count(n int, what string) string {
	if n == 0 {
		return ""
	}
	return " " + pinsetter.Count(n, what)
}

// maxLines bounds the changes or holds in a summary.
const maxLines = 20

// summary describes an event that has no message of its own.
func summary(e pinsetter.Event) string {
	first := title(string(e.Kind)) + count(len(e.Changes), "change") + count(len(e.Holds), "candidate")
	if e.Branch != "" {
		first += " to " + e.Branch
	}
	lines := []string{first}
	for _, c := range e.Changes {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", c.Path, c.Old, c.New))
	}
	for _, h := range e.Holds {
		lines = append(lines, fmt.Sprintf("%s: %s instead of %s is held: %s", h.Policy, h.Candidate, h.Current, h.Reason))
	}
	if more := len(lines) - 1 - maxLines; more > 0 {
		lines = append(lines[:1+maxLines], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}
