package notify

import (
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// teamsMessage is a message with an Adaptive Card
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using),
// which workflows and older connectors accept.
type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string            `json:"$schema"`
	Type    string            `json:"type"`
	Version string            `json:"version"`
	MSTeams map[string]string `json:"msteams"`
	Body    []any             `json:"body"` // teamsText and teamsFacts
}

type teamsText struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Size   string `json:"size,omitempty"`
	Weight string `json:"weight,omitempty"`
	Color  string `json:"color,omitempty"`
	Wrap   bool   `json:"wrap"`
}

type teamsFacts struct {
	Type  string      `json:"type"`
	Facts []teamsFact `json:"facts"`
}

type teamsFact struct {
	Title string `json:"title"`
	Value string `json:"value"`
}

// maxTeams, in characters, keeps a card below Teams' 28 KB, whatever the
// characters.
const maxTeams = 1500

func msTeams(p *fleet.Provider, m message) ([]request, error) {
	// A single line break is a space in Markdown.
	text := teamsText{Type: "TextBlock", Text: strings.ReplaceAll(markdown.Replace(pinsetter.Truncate(m.Message, maxTeams)), "\n", "\n\n"), Wrap: true}
	if m.Severity == severityError {
		text.Color = "attention"
	}
	card := teamsCard{
		Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", // the newest version that Teams supports
		MSTeams: map[string]string{"width": "Full"},
		Body: []any{
			teamsText{Type: "TextBlock", Text: markdown.Replace(m.object()), Size: "large", Weight: "bolder", Wrap: true},
			text,
		},
	}
	facts := teamsFacts{Type: "FactSet"}
	for _, f := range m.facts() {
		facts.Facts = append(facts.Facts, teamsFact{Title: markdown.Replace(pinsetter.Truncate(f.key, 50)), Value: markdown.Replace(pinsetter.Truncate(f.value, 150))})
	}
	if len(facts.Facts) > 0 {
		card.Body = append(card.Body, facts)
	}
	return []request{post(p.Address.Reveal(), teamsMessage{
		Type:        "message",
		Attachments: []teamsAttachment{{ContentType: "application/vnd.microsoft.card.adaptive", Content: card}},
	})}, nil
}
