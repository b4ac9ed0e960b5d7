package notify

import "github.com/pinsetter/pinsetter/fleet"

// format turns a message into the requests that deliver it, possibly none.
// Config has checked the Provider: all that its type requires is set.
type format func(p *fleet.Provider, m message) ([]request, error)

// formats are the formats of all types of Provider.
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

	fleet.ProviderRocket:          rocket,
	fleet.ProviderLark:            lark,
	fleet.ProviderZulip:           zulip,
	fleet.ProviderZoom:            zoom,
	fleet.ProviderSentry:          sentry,
	fleet.ProviderDatadog:         datadog,
	fleet.ProviderIncidentIO:      incidentIO,
	fleet.ProviderOTel:            otel,
	fleet.ProviderNATS:            natsSubject,
	fleet.ProviderGooglePubSub:    googlePubSub,
	fleet.ProviderAzureEventHub:   azureEventHub,
	fleet.ProviderAzureDevOps:     azureDevOpsStatus,
	fleet.ProviderBitbucket:       bitbucketCloud,
	fleet.ProviderBitbucketServer: bitbucketServer,
	fleet.ProviderGitHubComment:   gitHubComment,
	fleet.ProviderGitLabComment:   gitLabComment,
	fleet.ProviderGiteaComment:    giteaComment,
}
