package notify

import (
	"errors"
	"net/url"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// zoomMessage is a message in full format
// (https://support.zoom.com/hc/en/article?id=zm_kb&sysparm_article=KB0067640).
type zoomMessage struct {
	Content zoomContent `json:"content"`
}

type zoomContent struct {
	Head zoomHead   `json:"head"`
	Body []zoomPart `json:"body"`
}

type zoomHead struct {
	Text    string   `json:"text"`
	SubHead zoomText `json:"sub_head"`
}

type zoomText struct {
	Text string `json:"text"`
}

type zoomPart struct {
	Type  string      `json:"type"`
	Text  string      `json:"text,omitempty"`
	Items []zoomField `json:"items,omitempty"`
}

type zoomField struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// maxZoom, in characters, is below Zoom's 4096 for a message.
const maxZoom = 3000

// zoom sends to the incoming webhook of Team Chat, whose verification token is
// sent as it is.
func zoom(p *fleet.Provider, m message) ([]request, error) {
	u, err := url.Parse(p.Address.Reveal())
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	if query := u.Query(); query.Get("format") == "" {
		query.Set("format", "full")
		u.RawQuery = query.Encode()
	}
	body := []zoomPart{{Type: "message", Text: pinsetter.Truncate(m.Message, maxZoom)}}
	var fields []zoomField
	for _, f := range m.facts() {
		fields = append(fields, zoomField{pinsetter.Truncate(f.key, 100), pinsetter.Truncate(f.value, 200)})
	}
	if len(fields) > 0 {
		body = append(body, zoomPart{Type: "fields", Items: fields})
	}
	r := post(u.String(), zoomMessage{zoomContent{Head: zoomHead{m.object(), zoomText{m.Severity}}, Body: body}})
	r.header["Authorization"] = p.Token.Reveal()
	return []request{r}, nil
}
