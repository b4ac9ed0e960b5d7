package notify

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// maxZulip is far below Zulip's bound of 10,000 characters, which escapes count
// to (https://zulip.com/api/send-message).
const maxZulip = 4000

// zulip sends to "CHANNEL/TOPIC", as the bot whose address and key are user and
// password. As in Flux, only scheme and host of the address are used.
func zulip(p *fleet.Provider, m message) ([]request, error) {
	channel, topic, found := strings.Cut(p.Channel, "/")
	if !found || channel == "" || topic == "" {
		return nil, fmt.Errorf("spec.channel is %q: write the channel, a slash and the topic", p.Channel)
	}
	base, err := baseOf(p)
	if err != nil {
		return nil, err
	}
	form := url.Values{"type": {"stream"}, "to": {channel}, "topic": {topic}, "content": {markdown.Replace(m.text(maxZulip))}}
	return []request{postForm(base+"/api/v1/messages", form).orBasic(p)}, nil
}
