package notify

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// opsgenieAlert is the body of a request
// (https://docs.opsgenie.com/docs/alert-api#create-alert).
type opsgenieAlert struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias,omitempty"`
	Description string            `json:"description"`
	Details     map[string]string `json:"details"`
	Source      string            `json:"source"`
}

// opsgenieClose closes an alert
// (https://docs.opsgenie.com/docs/alert-api#close-alert).
type opsgenieClose struct {
	Source string `json:"source"`
	Note   string `json:"note"`
}

// Opsgenie's bounds in characters; notes and descriptions may be longer.
const (
	maxOpsgenieMessage = 130
	maxOpsgenieText    = 8000
)

// opsgenie opens an alert for a failure, at most one for each object. It closes
// the alert when the object has recovered.
func opsgenie(p *fleet.Provider, m message) ([]request, error) {
	address := p.Address.Reveal()
	var r request
	if m.event.Kind == pinsetter.EventRecovered {
		r = post(strings.TrimSuffix(address, "/")+"/"+url.PathEscape(incident(m))+"/close?identifierType=alias",
			opsgenieClose{Source: reporter, Note: pinsetter.Truncate(m.Message, maxOpsgenieText)})
	} else {
		a := opsgenieAlert{
			Message:     pinsetter.Truncate(m.InvolvedObject.Kind+"/"+m.InvolvedObject.Name+": "+line(m.Message, maxOpsgenieMessage), maxOpsgenieMessage),
			Description: pinsetter.Truncate(m.Message, maxOpsgenieText), Details: maps.Clone(m.Metadata), Source: reporter,
		}
		a.Details["severity"] = m.Severity
		if m.event.Kind == pinsetter.EventFailed {
			a.Alias = incident(m)
		}
		r = post(address, a)
	}
	r.header["Authorization"] = "GenieKey " + p.Token.Reveal()
	return []request{r}, nil
}

// maxIncident is PagerDuty's bound on a key in characters; Opsgenie's is twice
// that.
const maxIncident = 255

// incident returns a key for the failure of an object, for services that keep
// one incident for each key.
func incident(m message) string {
	name := reporter + "-" + strings.ReplaceAll(m.object(), "/", "-")
	if len(name) > maxIncident {
		return fmt.Sprintf("%s-%x", reporter, sha256.Sum256([]byte(name)))
	}
	return name
}
