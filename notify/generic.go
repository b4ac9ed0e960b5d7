package notify

import (
	"maps"

	"github.com/pinsetter/pinsetter/fleet"
)

// generic sends the message itself, as Flux does
// (https://fluxcd.io/flux/components/notification/providers/#generic-webhook).
func generic(p *fleet.Provider, m message) ([]request, error) {
	r := post(p.Address.Reveal(), m.inFluxOrder())
	r.header["Gotk-Component"] = reporter
	maps.Copy(r.header, reveal(p.Headers))
	return []request{r}, nil
}

// genericHMAC sends the message and signs the body
// (https://fluxcd.io/flux/components/notification/providers/#generic-webhook-with-hmac).
func genericHMAC(p *fleet.Provider, m message) ([]request, error) {
	requests, err := generic(p, m)
	requests[0].sign = p.Token
	return requests, err
}
