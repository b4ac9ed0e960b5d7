package notify

import (
	"github.com/pinsetter/pinsetter/fleet"

	"github.com/pinsetter/pinsetter"
)

// dispatch is the body of a request that starts workflows
// (https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event).
type dispatch struct {
	Type    string  `json:"event_type"`
	Payload message `json:"client_payload"`
}

// GitHub's bounds: on the type in characters, and on the payload, 64 KB, which
// this keeps for any characters.
const (
	maxDispatchType = 100
	maxDispatch     = 8000
)

// gitHubDispatch sends Flux's event, with Flux's event type.
func gitHubDispatch(p *fleet.Provider, m message) ([]request, error) {
	at, err := parsePlace(p.Address.Reveal())
	if err != nil {
		return nil, err
	}
	o := m.InvolvedObject
	m = m.inFluxOrder()
	m.Message = pinsetter.Truncate(m.Message, maxDispatch)
	return []request{post(at.gitHubAPI()+"/dispatches", dispatch{
		Type: pinsetter.Truncate(o.Kind+"/"+o.Name+"."+o.Namespace, maxDispatchType), Payload: m,
	}).forGitHub(p)}, nil
}

func (r request) forGitHub(p *fleet.Provider) request {
	r.header["Accept"] = "application/vnd.github+json"
	r.header["X-Github-Api-Version"] = "2022-11-28"
	return r.bearing(p.Token)
}
