package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// pubSub is the body of projects.topics.publish
// (https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.topics/publish).
type pubSub struct {
	Messages []pubSubMessage `json:"messages"`
}

type pubSubMessage struct {
	Data       []byte            `json:"data"` // base64 in JSON
	Attributes map[string]string `json:"attributes,omitempty"`
}

// googlePubSub publishes the message, as Flux does
// (https://fluxcd.io/flux/components/notification/providers/#google-cloud-pubsub):
// headers of the Secret are attributes. Google's own library would bring gRPC
// for one request.
func googlePubSub(p *fleet.Provider, m message) ([]request, error) {
	data, err := json.Marshal(m.inFluxOrder())
	if err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for name, value := range p.Headers {
		attributes[name] = value.Reveal()
	}
	r := post(p.Address.Reveal(), pubSub{[]pubSubMessage{{data, attributes}}})
	r.needs = "the role roles/pubsub.publisher on the topic"
	r.authorize = func(ctx context.Context, l *lane) (string, error) { return l.cloudToken(ctx, login.GCP, p.Token) }
	return []request{r}, nil
}

// azureEventHub sends the message, as Flux does
// (https://fluxcd.io/flux/components/notification/providers/#azure-event-hub),
// by https://learn.microsoft.com/rest/api/eventhub/send-event.
func azureEventHub(p *fleet.Provider, m message) ([]request, error) {
	r := post(p.Address.Reveal()+"/messages?api-version=2014-01", m.inFluxOrder())
	r.header["Content-Type"] = "application/atom+xml;type=entry;charset=utf-8"
	r.needs = "the right to send: a policy with Send, or the role Azure Event Hubs Data Sender"
	switch {
	case p.Username != "":
		r.authorize = func(_ context.Context, l *lane) (string, error) {
			return sharedAccess(p.Address.Reveal(), p.Username, p.Password, l.o.Now().Add(signatureLasts)), nil
		}
	case !p.Token.IsZero():
		r = r.bearing(p.Token)
	default:
		r.authorize = func(ctx context.Context, l *lane) (string, error) {
			return l.cloudToken(ctx, login.Azure, pinsetter.Secret{})
		}
	}
	return []request{r}, nil
}

// signatureLasts is longer than clocks differ.
const signatureLasts = 15 * time.Minute

// sharedAccess signs access to a resource until a time
// (https://learn.microsoft.com/rest/api/eventhub/generate-sas-token).
func sharedAccess(resource, name string, key pinsetter.Secret, until time.Time) string {
	escaped, end := url.QueryEscape(resource), strconv.FormatInt(until.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(escaped + "\n" + end))
	return "SharedAccessSignature sr=" + escaped + "&sig=" + url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil))) +
		"&se=" + end + "&skn=" + url.QueryEscape(name)
}

// cloudToken returns a token of a cloud, with the word before it.
func (l *lane) cloudToken(ctx context.Context, cloud string, key pinsetter.Secret) (string, error) {
	if l.o.Clouds == nil {
		return "", errors.New("there is no login to " + cloud)
	}
	found, err := l.o.Clouds.Messages(ctx, login.CloudRequest{Provider: cloud, Proxy: l.provider.Proxy}, key)
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	l.secrets.Keep("cloud", found.Password)
	return "Bearer " + found.Password.Reveal(), nil
}
