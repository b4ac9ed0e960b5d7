package notify

import "github.com/pinsetter/pinsetter/fleet"

// format turns a message into the requests that deliver it, which may be none.
// What it is given is checked by config: what a type can't do without is there.
type format func(p *fleet.Provider, m message) ([]request, error)

// formats are those of all types of Provider.
var formats = map[string]format{
	fleet.ProviderGeneric:        generic,
	fleet.ProviderGenericHMAC:    genericHMAC,
	fleet.ProviderSlack:          slack,
	fleet.ProviderDiscord:        discord,
	fleet.ProviderMSTeams:        msTeams,
	fleet.ProviderGoogleChat:     googleChat,
	fleet.ProviderTelegram:       telegram,
	fleet.ProviderMatrix:         matrix,
	fleet.ProviderWebex:          webex,
	fleet.ProviderOpsgenie:       opsgenie,
	fleet.ProviderPagerDuty:      pagerDuty,
	fleet.ProviderGrafana:        grafana,
	fleet.ProviderAlertmanager:   alertmanager,
	fleet.ProviderGitHubDispatch: gitHubDispatch,
	fleet.ProviderGitHub:         gitHubStatus,
	fleet.ProviderGitLab:         gitLabStatus,
	fleet.ProviderGitea:          giteaStatus,
}
