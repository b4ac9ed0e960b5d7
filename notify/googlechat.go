package notify

import (
	"html"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// googleMessage is a message with a card
// (https://developers.google.com/workspace/chat/api/reference/rest/v1/cards).
type googleMessage struct {
	Cards []googleCardWithID `json:"cardsV2"`
}

type googleCardWithID struct {
	ID   string     `json:"cardId"`
	Card googleCard `json:"card"`
}

type googleCard struct {
	Header   googleHeader    `json:"header"`
	Sections []googleSection `json:"sections"`
}

type googleHeader struct {
	Title    string `json:"title"`
	Subtitle string `json:"subtitle"`
}

type googleSection struct {
	Widgets []googleWidget `json:"widgets"`
}

// googleWidget has exactly one of its fields.
type googleWidget struct {
	Paragraph *googleParagraph `json:"textParagraph,omitempty"`
	Decorated *googleDecorated `json:"decoratedText,omitempty"`
}

type googleParagraph struct {
	Text string `json:"text"`
}

type googleDecorated struct {
	TopLabel string `json:"topLabel"`
	Text     string `json:"text"`
	Wrap     bool   `json:"wrapText"`
}

// maxGoogle, in characters, keeps a message below Google's 32,000 bytes,
// whatever the characters
// (https://developers.google.com/workspace/chat/create-messages).
const maxGoogle = 2000

// googleChat escapes texts as HTML, since cards interpret some tags.
func googleChat(p *fleet.Provider, m message) ([]request, error) {
	text := strings.ReplaceAll(html.EscapeString(pinsetter.Truncate(m.Message, maxGoogle)), "\n", "<br>")
	if m.Severity == severityError {
		text = `<font color="#ff0000">` + text + `</font>`
	}
	card := googleCard{
		Header:   googleHeader{Title: m.object(), Subtitle: reporter},
		Sections: []googleSection{{Widgets: []googleWidget{{Paragraph: &googleParagraph{text}}}}},
	}
	var facts []googleWidget
	for _, f := range m.facts() {
		facts = append(facts, googleWidget{Decorated: &googleDecorated{
			TopLabel: html.EscapeString(pinsetter.Truncate(f.key, 50)), Text: html.EscapeString(pinsetter.Truncate(f.value, 150)), Wrap: true,
		}})
	}
	if len(facts) > 0 {
		card.Sections = append(card.Sections, googleSection{facts})
	}
	return []request{post(p.Address.Reveal(), googleMessage{Cards: []googleCardWithID{{ID: reporter, Card: card}}})}, nil
}
