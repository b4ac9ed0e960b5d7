package notify

import (
	"maps"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// incidentAlert is the body of a request to an HTTP alert source
// (https://api-docs.incident.io/tag/Alert-Events-V2).
type incidentAlert struct {
	Title       string            `json:"title"`
	Status      string            `json:"status"`
	Key         string            `json:"deduplication_key"`
	Description string            `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

const maxIncidentIO = 8000

// incidentIO fires an alert for a failure, and resolves it on recovery. Other
// events are about no alert.
func incidentIO(p *fleet.Provider, m message) ([]request, error) {
	var status string
	switch m.event.Kind {
	case pinsetter.EventFailed:
		status = "firing"
	case pinsetter.EventRecovered:
		status = "resolved"
	default:
		return nil, nil
	}
	a := incidentAlert{
		Title: m.object() + ": " + m.Reason, Status: status, Key: incident(m),
		Description: pinsetter.Truncate(m.Message, maxIncidentIO), Metadata: maps.Clone(m.Metadata),
	}
	a.Metadata["severity"], a.Metadata["reason"], a.Metadata["reportingController"] = m.Severity, m.Reason, reporter
	return []request{post(p.Address.Reveal(), a).bearing(p.Token)}, nil
}
