package config

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// setAddress keeps a Provider's address.
func (p *providerDraft) setAddress(out *fleet.Provider, address string) {
	out.Address = pinsetter.NewSecret("address of Provider "+p.Name.String(), address)
}

// natsAddress reads the servers of NATS: URLs with the scheme nats or tls, or
// HOST:PORT, several with commas. As in Flux, they may hold a user and a password, or a
// token alone, the same in each; the Secret's own keys go before these.
func (p *providerDraft) natsAddress(out *fleet.Provider, field, address string) {
	var servers []string
	var login *url.Userinfo
	for server := range strings.SplitSeq(address, ",") {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
			p.Fail(codeURL, field, "the address is not a URL with the scheme nats or tls, such as nats://nats.example.com:4222")
			return
		}
		if u.User.String() != login.String() && len(servers) > 0 {
			p.Fail(codeURL, field, "its servers have different logins, and one would be sent to all: write username and password in the Secret")
			return
		}
		login = u.User
		if password, both := u.User.Password(); both && out.Username == "" {
			out.Username, out.Password = u.User.Username(), pinsetter.NewSecret("password of Provider "+p.Name.String(), password)
		} else if u.User != nil && out.Username == "" && out.Token.IsZero() {
			out.Token = pinsetter.NewSecret("token of Provider "+p.Name.String(), u.User.Username())
		}
		servers = append(servers, (&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
	}
	p.setAddress(out, strings.Join(servers, ","))
}

// Names of projects and topics:
// https://cloud.google.com/resource-manager/docs/creating-managing-projects and
// https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names.
var (
	googleProject = pinsetter.Pattern(`^([a-z0-9.-]+:)?[a-z0-9-]{1,63}$`)
	googleTopic   = pinsetter.Pattern(`^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$`)
)

// topicAddress reads a project of Google Cloud, whose topic is the channel.
func (p *providerDraft) topicAddress(out *fleet.Provider, field, address string) {
	switch {
	case !googleProject().MatchString(address):
		p.Fail(codeBadValue, field, "the address is not the ID of a project of Google Cloud, such as my-project")
	case out.Channel == "": // said elsewhere
	case !googleTopic().MatchString(out.Channel):
		p.Fail(codeBadValue, "spec.channel", "%q is not the ID of a topic: write it without projects/…/topics/", out.Channel)
	default:
		p.setAddress(out, "https://pubsub.googleapis.com/v1/projects/"+url.PathEscape(address)+"/topics/"+url.PathEscape(out.Channel)+":publish")
	}
}

// hubDomain is what Flux adds to a namespace of Event Hubs.
const hubDomain = ".servicebus.windows.net"

// Names of namespaces and event hubs:
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsofteventhub.
var (
	hubNamespace = pinsetter.Pattern(`^[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]$`)
	hubName      = pinsetter.Pattern(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,254}[A-Za-z0-9])?$`)
)

// hubAddress reads a connection string of Event Hubs, or the name of a hub
// beside its namespace as channel.
func (p *providerDraft) hubAddress(out *fleet.Provider, field, address string) {
	if strings.Contains(address, "SharedAccessKey") {
		p.connectionString(out, field, address)
		return
	}
	switch {
	case !hubName().MatchString(address):
		p.Fail(codeBadValue, field, "the address is neither the name of an event hub nor a connection string with SharedAccessKey")
	case out.Channel == "":
		p.Fail(codeMissingField, "spec.channel", "is missing: write the namespace of the event hub")
	case !hubNamespace().MatchString(out.Channel):
		p.Fail(codeBadValue, "spec.channel", "%q is not the name of a namespace of Event Hubs: write it without %s", out.Channel, hubDomain)
	default:
		p.setAddress(out, "https://"+out.Channel+hubDomain+"/"+address)
	}
}

// connectionString reads what Azure's portal gives out for a shared access
// policy of an event hub:
// https://learn.microsoft.com/azure/event-hubs/event-hubs-get-connection-string.
func (p *providerDraft) connectionString(out *fleet.Provider, field, text string) {
	if field == "spec.address" {
		p.Fail(codeSecret, field, "the connection string holds a key: move it to the key address of the Secret")
		return
	}
	if !out.Token.IsZero() {
		p.Fail(codeSecret, field, "the Secret has a token beside a connection string: leave one out")
		return
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	u, err := url.Parse(parts["Endpoint"])
	missing := cmp.Or(
		lacks(err != nil || u.Scheme != "sb" || u.Host == "", "Endpoint=sb://NAMESPACE"+hubDomain+"/"),
		lacks(parts["SharedAccessKeyName"] == "", "SharedAccessKeyName"), lacks(parts["SharedAccessKey"] == "", "SharedAccessKey"),
		lacks(!hubName().MatchString(parts["EntityPath"]), "EntityPath, the name of the event hub"),
	)
	if missing != "" {
		p.Fail(codeSecret, field, "the connection string lacks %s", missing)
		return
	}
	out.Username = parts["SharedAccessKeyName"]
	out.Password = pinsetter.NewSecret("shared access key of Provider "+p.Name.String(), parts["SharedAccessKey"])
	p.setAddress(out, "https://"+u.Host+"/"+parts["EntityPath"])
}

// lacks returns what is missing, or "".
func lacks(missing bool, what string) string {
	if missing {
		return what
	}
	return ""
}
