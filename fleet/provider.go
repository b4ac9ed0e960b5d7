package fleet

import (
	"time"

	"github.com/pinsetter/pinsetter"
)

// Provider is where events are sent to: a chat, an incident service or a forge.
// Only one that an Alert sends to is in a Set.
type Provider struct {
	Name   pinsetter.Name
	Origin Origin
	Type   string // one of the Provider constants

	// Address is an http or https URL, or empty for ProviderTelegram; for
	// ProviderNATS it is one nats or tls URL or several, with commas. The path of a
	// webhook is all that protects it, so the whole is kept as a secret.
	Address  pinsetter.Secret
	Channel  string // the routing key of ProviderPagerDuty is one
	Username string
	Password pinsetter.Secret
	Token    pinsetter.Secret
	Headers  map[string]pinsetter.Secret // to add to requests of ProviderGeneric, ProviderGenericHMAC and ProviderOTel

	TLS   pinsetter.TLS
	Proxy *pinsetter.Proxy // nil: the environment's proxies

	Timeout   time.Duration // of one request: spec.timeout, else 15s
	Suspended bool

	// Err is nil when the provider is usable. Everything it joins is also in
	// Set.Findings.
	Err error
}

// The types of a Provider.
const (
	ProviderGeneric        = "generic"
	ProviderGenericHMAC    = "generic-hmac"
	ProviderSlack          = "slack"
	ProviderDiscord        = "discord"
	ProviderMSTeams        = "msteams"
	ProviderGoogleChat     = "googlechat"
	ProviderTelegram       = "telegram"
	ProviderMatrix         = "matrix"
	ProviderWebex          = "webex"
	ProviderOpsgenie       = "opsgenie"
	ProviderPagerDuty      = "pagerduty"
	ProviderGrafana        = "grafana"
	ProviderAlertmanager   = "alertmanager"
	ProviderGitHubDispatch = "githubdispatch"
	ProviderRocket         = "rocket"
	ProviderLark           = "lark"
	ProviderZulip          = "zulip"
	ProviderZoom           = "zoom"
	ProviderSentry         = "sentry" // the address is a DSN, with its user
	ProviderDatadog        = "datadog"
	ProviderIncidentIO     = "incidentio"
	ProviderOTel           = "otel"

	ProviderNATS          = "nats"          // Channel is the subject
	ProviderGooglePubSub  = "googlepubsub"  // Address is of the topic; Token is a key as JSON, if there is one
	ProviderAzureEventHub = "azureeventhub" // Address is of the hub; Username and Password are a shared access key, or Token is Entra's

	// Commit statuses.
	ProviderGitHub          = "github"
	ProviderGitLab          = "gitlab"
	ProviderGitea           = "gitea"
	ProviderAzureDevOps     = "azuredevops"
	ProviderBitbucket       = "bitbucket" // the cloud
	ProviderBitbucketServer = "bitbucketserver"

	// Comments on pull requests.
	ProviderGitHubComment = "githubpullrequestcomment"
	ProviderGitLabComment = "gitlabmergerequestcomment"
	ProviderGiteaComment  = "giteapullrequestcomment"
)
