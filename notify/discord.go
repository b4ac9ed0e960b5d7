package notify

import (
	"cmp"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// discordMessage is the body of a webhook request
// (https://discord.com/developers/docs/resources/webhook#execute-webhook).
type discordMessage struct {
	Username string          `json:"username"`
	Embeds   []discordEmbed  `json:"embeds"`
	Mentions discordMentions `json:"allowed_mentions"`
}

type discordEmbed struct {
	Title       string         `json:"title"`
	Description string         `json:"description"`
	Color       int            `json:"color"`
	Timestamp   time.Time      `json:"timestamp"`
	Fields      []discordField `json:"fields,omitempty"`
}

type discordField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// discordMentions lists the allowed mentions: none.
type discordMentions struct {
	Parse []string `json:"parse"`
}

// Discord's bounds in characters, halved if escapes may double the text
// (https://discord.com/developers/docs/resources/message#embed-object-embed-limits).
// A whole embed may have 6000.
const (
	maxDiscordTitle  = 128
	maxDiscordText   = 1500
	maxDiscordFields = 8
	maxDiscordField  = 80
)

const (
	discordGreen = 0x2eb886
	discordRed   = 0xa30100
)

// discord sends Discord's own format. The address may end in "/slack", since
// Flux sends Slack's format to that address of the same webhook.
func discord(p *fleet.Provider, m message) ([]request, error) {
	embed := discordEmbed{
		Title:       markdown.Replace(pinsetter.Truncate(m.object(), maxDiscordTitle)),
		Description: markdown.Replace(pinsetter.Truncate(m.Message, maxDiscordText)),
		Color:       discordGreen, Timestamp: m.Timestamp,
	}
	if m.Severity == severityError {
		embed.Color = discordRed
	}
	for i, f := range m.facts() {
		if i == maxDiscordFields {
			break
		}
		embed.Fields = append(embed.Fields, discordField{
			Name: markdown.Replace(pinsetter.Truncate(f.key, maxDiscordField)), Value: markdown.Replace(pinsetter.Truncate(f.value, maxDiscordField)),
		})
	}
	return []request{post(strings.TrimSuffix(p.Address.Reveal(), "/slack"), discordMessage{
		Username: cmp.Or(p.Username, reporter), Embeds: []discordEmbed{embed}, Mentions: discordMentions{Parse: []string{}},
	})}, nil
}
