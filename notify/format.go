package notify

import "github.com/pinsetter/pinsetter/config"

// format turns a message into the requests that deliver it, which may be none.
// What it is given is checked by config: what a type can't do without is there.
type format func(p *config.Provider, m message) ([]request, error)

// formats are those of all types of Provider.
var formats = map[string]format{
	config.ProviderGeneric:        generic,
	config.ProviderGenericHMAC:    genericHMAC,
	config.ProviderSlack:          slack,
	config.ProviderDiscord:        discord,
	config.ProviderMSTeams:        msTeams,
	config.ProviderGoogleChat:     googleChat,
	config.ProviderTelegram:       telegram,
	config.ProviderMatrix:         matrix,
	config.ProviderWebex:          webex,
	config.ProviderOpsgenie:       opsgenie,
	config.ProviderPagerDuty:      pagerDuty,
	config.ProviderGrafana:        grafana,
	config.ProviderAlertmanager:   alertmanager,
	config.ProviderGitHubDispatch: gitHubDispatch,
	config.ProviderGitHub:         gitHubStatus,
	config.ProviderGitLab:         gitLabStatus,
	config.ProviderGitea:          giteaStatus,
}
