package notify

import (
	"encoding/json"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// larkMessage is a message card
// (https://open.larksuite.com/document/client-docs/bot-v3/add-custom-bot).
type larkMessage struct {
	Type string   `json:"msg_type"`
	Card larkCard `json:"card"`
}

type larkCard struct {
	Config   larkConfig    `json:"config"`
	Header   larkHeader    `json:"header"`
	Elements []larkElement `json:"elements"`
}

type larkConfig struct {
	Wide bool `json:"wide_screen_mode"`
}

type larkHeader struct {
	Title    larkText `json:"title"`
	Template string   `json:"template"` // a colour
}

type larkElement struct {
	Tag  string   `json:"tag"`
	Text larkText `json:"text"`
}

type larkText struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

// maxLark, in characters, keeps a card below Lark's 30 KB, whatever the
// characters.
const maxLark = 4000

// lark sends plain text, in which nothing is a mention or a link.
func lark(p *fleet.Provider, m message) ([]request, error) {
	text := func(content string) larkText { return larkText{"plain_text", content} }
	colour := "turquoise"
	if m.Severity == severityError {
		colour = "red"
	}
	title, content, _ := strings.Cut(m.text(maxLark), "\n")
	r := post(p.Address.Reveal(), larkMessage{Type: "interactive", Card: larkCard{
		Config: larkConfig{Wide: true}, Header: larkHeader{text(title), colour}, Elements: []larkElement{{"div", text(content)}},
	}})
	r.accepts = larkAccepts
	return []request{r}, nil
}

// larkAccepts checks an answer, whose status is always 200.
func larkAccepts(body []byte) error {
	var answer struct {
		Code int    `json:"code"`
		Text string `json:"msg"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case err != nil:
		return rejection("the answer is not one of Lark's")
	case answer.Code != 0:
		return rejection("Lark says " + line(clean(answer.Text), maxSaid))
	}
	return nil
}
