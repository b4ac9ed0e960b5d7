package config

import (
	"time"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pinsetter/pinsetter"
)

// Provider is where events are sent to: a chat, an incident service or a forge.
// Only one that an Alert sends to is in a Set.
type Provider struct {
	Name   pinsetter.Name
	Origin Origin
	Type   string // one of the Provider constants

	// Address is an http or https URL, or empty for ProviderTelegram. The path of a
	// webhook is all that protects it, so the whole is kept as a secret.
	Address  pinsetter.Secret
	Channel  string // the routing key of ProviderPagerDuty is one
	Username string
	Password pinsetter.Secret
	Token    pinsetter.Secret
	Headers  map[string]pinsetter.Secret // to add to requests of ProviderGeneric and ProviderGenericHMAC

	TLS   TLS
	Proxy *Proxy // nil: the environment's proxies

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
	ProviderGitHub         = "github" // commit statuses, as for the next two
	ProviderGitLab         = "gitlab"
	ProviderGitea          = "gitea"
)

// providerNeeds says what a type of Provider can't do without.
type providerNeeds struct{ address, token, channel bool }

// providerTypes are the types that events are sent to.
var providerTypes = map[string]providerNeeds{
	ProviderGeneric:        {address: true},
	ProviderGenericHMAC:    {address: true, token: true},
	ProviderSlack:          {address: true},
	ProviderDiscord:        {address: true},
	ProviderMSTeams:        {address: true},
	ProviderGoogleChat:     {address: true},
	ProviderTelegram:       {token: true, channel: true},
	ProviderMatrix:         {address: true, token: true, channel: true},
	ProviderWebex:          {address: true, token: true, channel: true},
	ProviderOpsgenie:       {address: true, token: true},
	ProviderPagerDuty:      {address: true, channel: true},
	ProviderGrafana:        {address: true},
	ProviderAlertmanager:   {address: true},
	ProviderGitHubDispatch: {address: true, token: true},
	ProviderGitHub:         {address: true, token: true},
	ProviderGitLab:         {address: true, token: true},
	ProviderGitea:          {address: true, token: true},
}

// otherProviders are the types that Flux 2.9 knows and nothing is sent to here
// (notification-controller api/v1beta3, ProviderSpec).
var otherProviders = []string{
	"rocket", "googlepubsub", "sentry", "azureeventhub", "lark", "datadog", "nats", "zulip", "otel", "zoom", "incidentio",
	"bitbucket", "bitbucketserver", "azuredevops",
	"githubpullrequestcomment", "gitlabmergerequestcomment", "giteapullrequestcomment",
}

// providerSpec is what is used of a Provider's spec.
type providerSpec struct {
	Type             string                `json:"type"`
	Channel          string                `json:"channel"`
	Username         string                `json:"username"`
	Address          string                `json:"address"`
	Timeout          *metav1.Duration      `json:"timeout"`
	Proxy            string                `json:"proxy"` // deprecated for proxySecretRef
	ProxySecretRef   *LocalObjectReference `json:"proxySecretRef"`
	SecretRef        *LocalObjectReference `json:"secretRef"`
	CertSecretRef    *LocalObjectReference `json:"certSecretRef"`
	Suspend          bool                  `json:"suspend"`
	CommitStatusExpr string                `json:"commitStatusExpr"`
}

// providerDraft is a Provider. Only one that an Alert sends to is resolved: the
// others' Secrets need not be at hand, and their types not be supported.
type providerDraft struct {
	*object
	spec providerSpec
}

func (l *loader) readProvider(o *object, spec *yaml.Node) {
	p := &providerDraft{object: o}
	l.providers[o.name] = p
	d := l.lenientSpec(o, spec, &p.spec)
	if d == nil {
		return
	}
	d.require("spec.type", p.spec.Type)
	d.optionalReference("spec.secretRef", p.spec.SecretRef)
	d.optionalReference("spec.certSecretRef", p.spec.CertSecretRef)
	d.optionalReference("spec.proxySecretRef", p.spec.ProxySecretRef)
	o.remember("spec.type", "spec.address", "spec.channel", "spec.proxy", "spec.commitStatusExpr",
		"spec.secretRef.name", "spec.certSecretRef.name", "spec.proxySecretRef.name")
}
