package notify

import (
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// pagerEvent is the body of a request to the Events API v2
// (https://developer.pagerduty.com/docs/send-alert-event and
// https://developer.pagerduty.com/docs/send-change-event).
type pagerEvent struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action,omitempty"`
	DedupKey   string        `json:"dedup_key,omitempty"`
	Payload    *pagerPayload `json:"payload,omitempty"`
}

type pagerPayload struct {
	Summary   string       `json:"summary"`
	Source    string       `json:"source"`
	Severity  string       `json:"severity,omitempty"`
	Timestamp time.Time    `json:"timestamp"`
	Component string       `json:"component,omitempty"`
	Group     string       `json:"group,omitempty"`
	Details   pagerDetails `json:"custom_details"`
}

type pagerDetails struct {
	Message  string            `json:"message"`
	Metadata map[string]string `json:"metadata"`
}

const (
	maxPagerSummary = 1024
	maxPagerText    = 8000
)

// pagerDuty triggers an incident for a failure, resolves it on recovery, and
// sends everything else as a change. The channel is the routing key. As in
// Flux, only scheme and host of the address are used.
func pagerDuty(p *fleet.Provider, m message) ([]request, error) {
	base, err := baseOf(p)
	if err != nil {
		return nil, err
	}
	e := pagerEvent{RoutingKey: p.Channel, DedupKey: incident(m)}
	payload := &pagerPayload{
		Summary: pinsetter.Truncate(m.object()+": "+line(m.Message, maxPagerSummary), maxPagerSummary), Source: reporter, Timestamp: m.Timestamp,
		Details: pagerDetails{pinsetter.Truncate(m.Message, maxPagerText), m.Metadata},
	}
	switch m.event.Kind {
	case pinsetter.EventFailed:
		e.Action, e.Payload = "trigger", payload
		payload.Severity, payload.Component, payload.Group = "error", m.InvolvedObject.Name, m.InvolvedObject.Kind
	case pinsetter.EventRecovered:
		e.Action = "resolve"
	default:
		return []request{post(base+"/v2/change/enqueue", pagerEvent{RoutingKey: p.Channel, Payload: payload})}, nil
	}
	return []request{post(base+"/v2/enqueue", e)}, nil
}
