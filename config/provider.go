package config

import (
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"

	"github.com/pinsetter/pinsetter/config/index"
)

// providerNeeds says what a type of Provider can't do without.
type providerNeeds struct {
	address, token, channel bool
	login                   bool // username and password; with token: one of both

	// reads reads an address that isn't a URL of the web.
	reads func(p *providerDraft, out *fleet.Provider, field, address string)
}

// providerTypes are the types that events are sent to.
var providerTypes = map[string]providerNeeds{
	fleet.ProviderGeneric:        {address: true},
	fleet.ProviderGenericHMAC:    {address: true, token: true},
	fleet.ProviderSlack:          {address: true},
	fleet.ProviderDiscord:        {address: true},
	fleet.ProviderMSTeams:        {address: true},
	fleet.ProviderGoogleChat:     {address: true},
	fleet.ProviderTelegram:       {token: true, channel: true},
	fleet.ProviderMatrix:         {address: true, token: true, channel: true},
	fleet.ProviderWebex:          {address: true, token: true, channel: true},
	fleet.ProviderOpsgenie:       {address: true, token: true},
	fleet.ProviderPagerDuty:      {address: true, channel: true},
	fleet.ProviderGrafana:        {address: true},
	fleet.ProviderAlertmanager:   {address: true},
	fleet.ProviderGitHubDispatch: {address: true, token: true},
	fleet.ProviderRocket:         {address: true},
	fleet.ProviderLark:           {address: true},
	fleet.ProviderZulip:          {address: true, channel: true, login: true},
	fleet.ProviderZoom:           {address: true, token: true},
	fleet.ProviderSentry:         {address: true},
	fleet.ProviderDatadog:        {address: true, token: true},
	fleet.ProviderIncidentIO:     {address: true, token: true},
	fleet.ProviderOTel:           {address: true},
	fleet.ProviderNATS:           {address: true, channel: true, reads: (*providerDraft).natsAddress},
	fleet.ProviderGooglePubSub:   {address: true, channel: true, reads: (*providerDraft).topicAddress},
	fleet.ProviderAzureEventHub:  {address: true, reads: (*providerDraft).hubAddress},

	fleet.ProviderGitHub:          {address: true, token: true},
	fleet.ProviderGitLab:          {address: true, token: true},
	fleet.ProviderGitea:           {address: true, token: true},
	fleet.ProviderAzureDevOps:     {address: true, token: true},
	fleet.ProviderBitbucket:       {address: true, token: true},
	fleet.ProviderBitbucketServer: {address: true, token: true, login: true},
	fleet.ProviderGitHubComment:   {address: true, token: true},
	fleet.ProviderGitLabComment:   {address: true, token: true},
	fleet.ProviderGiteaComment:    {address: true, token: true},
}

// providerSpec is what is used of a Provider's spec.
type providerSpec struct {
	Type             string                     `json:"type"`
	Channel          string                     `json:"channel"`
	Username         string                     `json:"username"`
	Address          string                     `json:"address"`
	Timeout          *spec.Duration             `json:"timeout"`
	Proxy            string                     `json:"proxy"` // deprecated for proxySecretRef
	ProxySecretRef   *spec.LocalObjectReference `json:"proxySecretRef"`
	SecretRef        *spec.LocalObjectReference `json:"secretRef"`
	CertSecretRef    *spec.LocalObjectReference `json:"certSecretRef"`
	Suspend          bool                       `json:"suspend"`
	CommitStatusExpr string                     `json:"commitStatusExpr"`
}

// providerDraft is a Provider. Only one that an Alert sends to is resolved: the
// others' Secrets need not be at hand, and their types not be supported.
type providerDraft struct {
	*index.Object
	spec providerSpec
}

func (l reader) readProvider(o *index.Object, n *strict.Node) {
	p := &providerDraft{Object: o}
	l.providers[o.Name] = p
	d := l.lenientSpec(o, n, &p.spec)
	if d == nil {
		return
	}
	d.require("spec.type", p.spec.Type)
	d.optionalReference("spec.secretRef", p.spec.SecretRef)
	d.optionalReference("spec.certSecretRef", p.spec.CertSecretRef)
	d.optionalReference("spec.proxySecretRef", p.spec.ProxySecretRef)
	o.Remember("spec.type", "spec.address", "spec.channel", "spec.proxy", "spec.commitStatusExpr",
		"spec.secretRef.name", "spec.certSecretRef.name", "spec.proxySecretRef.name")
}
