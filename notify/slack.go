package notify

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// slackMessage is a message with an attachment
// (https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments),
// which Slack's webhooks, chat.postMessage and Mattermost accept.
type slackMessage struct {
	Channel     string            `json:"channel,omitempty"`
	Username    string            `json:"username"`
	Attachments []slackAttachment `json:"attachments"`
	UnfurlLinks bool              `json:"unfurl_links"`
	UnfurlMedia bool              `json:"unfurl_media"`
}

type slackAttachment struct {
	Color      string       `json:"color"`
	AuthorName string       `json:"author_name"`
	Fallback   string       `json:"fallback"`
	Text       string       `json:"text"`
	Fields     []slackField `json:"fields"`
}

type slackField struct {
	Title string `json:"title"`
	Value string `json:"value"`
	Short bool   `json:"short"`
}

// maxSlack, in characters, is far below Slack's 40,000, and enough for people.
const maxSlack = 8000

// slackText escapes characters that begin a mention or a link
// (https://docs.slack.dev/messaging/formatting-message-text#escaping).
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func slack(p *fleet.Provider, m message) ([]request, error) {
	r := post(p.Address.Reveal(), attached(p, m, slackText, "good", "danger")).bearing(p.Token)
	if u, err := url.Parse(r.url); err == nil && strings.HasSuffix(u.Path, "/chat.postMessage") {
		r.accepts = slackAccepts
	}
	return []request{r}, nil
}

// rocketText is slackText for Rocket.Chat, which also knows Markdown's links,
// and mentions without brackets.
var rocketText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "[", "(", "]", ")", "@", "@\u200b")

// rocket sends Slack's format, in Flux's colours
// (https://docs.rocket.chat/docs/integrations).
func rocket(p *fleet.Provider, m message) ([]request, error) {
	return []request{post(p.Address.Reveal(), attached(p, m, rocketText, "#0076D7", "#FF0000"))}, nil
}

// attached returns a message with an attachment in one of two colours.
func attached(p *fleet.Provider, m message, plain *strings.Replacer, good, bad string) slackMessage {
	a := slackAttachment{
		Color: good, AuthorName: m.object(), Fallback: plain.Replace(line(m.Message, 200)),
		Text: plain.Replace(pinsetter.Truncate(m.Message, maxSlack)), Fields: []slackField{},
	}
	if m.Severity == severityError {
		a.Color = bad
	}
	for _, f := range m.facts() {
		a.Fields = append(a.Fields, slackField{Title: plain.Replace(f.key), Value: plain.Replace(f.value)})
	}
	return slackMessage{Channel: p.Channel, Username: cmp.Or(p.Username, reporter), Attachments: []slackAttachment{a}}
}

var slackWord = pinsetter.Pattern(`^[a-z_]{1,60}$`)

// slackAccepts checks the answer of chat.postMessage, whose status is always
// 200 (https://docs.slack.dev/reference/methods/chat.postMessage).
func slackAccepts(body []byte) error {
	var answer struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	err := json.Unmarshal(body, &answer)
	switch {
	case err == nil && answer.OK:
		return nil
	case err == nil && slackWord().MatchString(answer.Error):
		return rejection("Slack says " + answer.Error)
	}
	return rejection("the answer is not one of Slack's")
}
