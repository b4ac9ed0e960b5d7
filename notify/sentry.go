package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// sentryEvent is an event or, without a duration, a transaction
// (https://develop.sentry.dev/sdk/data-model/event-payloads/).
type sentryEvent struct {
	ID          string               `json:"event_id"`
	Type        string               `json:"type,omitempty"`
	Timestamp   time.Time            `json:"timestamp"`
	Start       *time.Time           `json:"start_timestamp,omitempty"`
	Platform    string               `json:"platform"`
	Level       string               `json:"level,omitempty"`
	Server      string               `json:"server_name,omitempty"`
	Transaction string               `json:"transaction"`
	Message     string               `json:"message"`
	Environment string               `json:"environment,omitempty"`
	Tags        map[string]string    `json:"tags,omitempty"`
	Extra       map[string]string    `json:"extra,omitempty"`
	Contexts    map[string]sentrySet `json:"contexts,omitempty"`
}

type sentrySet map[string]string

// Sentry's bounds in characters.
const (
	maxSentryText = 8000
	maxSentryTag  = 200
)

// sentry sends an error as an event and anything else as a transaction, as Flux
// does, in an envelope (https://develop.sentry.dev/sdk/data-model/envelopes/).
// The address is a DSN, and the channel the environment.
func sentry(p *fleet.Provider, m message) ([]request, error) {
	address, auth, err := parseDSN(p.Address.Reveal())
	if err != nil {
		return nil, err
	}
	o := m.InvolvedObject
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data) // all tries of one message have the same id, so the server keeps one
	e := sentryEvent{
		ID: hex.EncodeToString(sum[:16]), Timestamp: m.Timestamp, Platform: "go", Environment: p.Channel,
		Transaction: o.Kind + ": " + o.Namespace + "/" + o.Name, Message: pinsetter.Truncate(m.Message, maxSentryText),
	}
	if m.Severity == severityError {
		e.Level, e.Server, e.Extra = m.Severity, reporter, m.Metadata
	} else {
		e.Type, e.Start = "transaction", &m.Timestamp
		e.Contexts = map[string]sentrySet{"trace": {"trace_id": hex.EncodeToString(sum[:16]), "span_id": hex.EncodeToString(sum[16:24]), "op": "event"}}
		e.Tags = map[string]string{
			"flux_involved_object_kind": o.Kind, "flux_involved_object_namespace": o.Namespace, "flux_involved_object_name": o.Name,
			"flux_reporting_controller": reporter, "flux_reason": m.Reason,
		}
		for _, f := range m.facts() {
			e.Tags[pinsetter.Truncate(f.key, 32)] = line(f.value, maxSentryTag)
		}
	}
	body, err := envelope(e, m.Timestamp)
	if err != nil {
		return nil, err
	}
	return []request{{method: "POST", url: address, body: body, header: map[string]string{
		"Content-Type": "application/x-sentry-envelope", "X-Sentry-Auth": auth,
	}}}, nil
}

// envelope returns the three lines of an envelope with one event.
func envelope(e sentryEvent, sent time.Time) ([]byte, error) {
	kind := "event"
	if e.Type != "" {
		kind = e.Type
	}
	var body bytes.Buffer
	for _, line := range []any{
		map[string]any{"event_id": e.ID, "sent_at": sent}, map[string]string{"type": kind, "content_type": "application/json"}, e,
	} {
		if err := json.NewEncoder(&body).Encode(line); err != nil {
			return nil, err
		}
	}
	return body.Bytes(), nil
}

// parseDSN returns the address of envelopes of a DSN such as
// https://KEY@HOST/PROJECT, and the header with the key
// (https://develop.sentry.dev/sdk/overview/#parsing-the-dsn).
func parseDSN(dsn string) (address, auth string, err error) {
	u, err := url.Parse(dsn)
	if err != nil || u.User.Username() == "" {
		return "", "", errors.New("the address is not a DSN: write https://KEY@HOST/PROJECT")
	}
	path := strings.Trim(u.Path, "/")
	prefix, project := "", path
	if i := strings.LastIndex(path, "/"); i >= 0 {
		prefix, project = "/"+path[:i], path[i+1:]
	}
	if project == "" {
		return "", "", errors.New("the address is a DSN without a project: write https://KEY@HOST/PROJECT")
	}
	auth = "Sentry sentry_version=7, sentry_client=" + reporter + "/1.0, sentry_key=" + u.User.Username()
	if secret, given := u.User.Password(); given {
		auth += ", sentry_secret=" + secret
	}
	return u.Scheme + "://" + u.Host + prefix + "/api/" + project + "/envelope/", auth, nil
}
