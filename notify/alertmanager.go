package notify

import (
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// alertmanagerAlert is a postableAlert of
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml.
type alertmanagerAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	EndsAt      time.Time         `json:"endsAt,omitzero"`
}

// failureLasts is how long a failure stays firing. It is reported only once,
// and Alertmanager would resolve it after some minutes.
const failureLasts = 24 * time.Hour

var notLabel = pinsetter.Pattern(`[^a-zA-Z0-9_]`)

// alertmanager fires an alert. A recovery resolves the failure's alert, which
// has the same labels: Flux's, and those that its Alert adds. Values that
// differ between events are annotations.
func alertmanager(p *fleet.Provider, m message) ([]request, error) {
	reason, severity := m.Reason, m.Severity
	a := alertmanagerAlert{Labels: map[string]string{}, Annotations: map[string]string{}, StartsAt: m.Timestamp}
	switch m.event.Kind {
	case pinsetter.EventFailed:
		a.EndsAt = m.Timestamp.Add(failureLasts)
	case pinsetter.EventRecovered:
		reason, severity = title(string(pinsetter.EventFailed)), severityError
		a.StartsAt, a.EndsAt = time.Time{}, m.Timestamp
	}
	for key, value := range m.Metadata {
		if _, static := m.static[key]; static && key != "summary" {
			a.Labels[notLabel().ReplaceAllString(key, "_")] = value
		} else {
			a.Annotations[key] = value
		}
	}
	a.Annotations["message"] = pinsetter.Truncate(m.Message, maxAlertmanager)
	o := m.InvolvedObject
	for key, value := range map[string]string{
		"alertname": "Pinsetter" + o.Kind + reason, "severity": severity, "reason": reason,
		"kind": o.Kind, "name": o.Name, "namespace": o.Namespace, "reportingcontroller": reporter,
	} {
		a.Labels[key] = value
	}
	return []request{post(p.Address.Reveal(), []alertmanagerAlert{a}).bearing(p.Token).orBasic(p)}, nil
}

const maxAlertmanager = 8000
