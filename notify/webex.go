package notify

import "github.com/pinsetter/pinsetter/fleet"

// webexMessage is the body of a request
// (https://developer.webex.com/docs/api/v1/messages/create-a-message). It is
// plain text, which mentions nobody.
type webexMessage struct {
	Room string `json:"roomId"`
	Text string `json:"text"`
}

// maxWebex, in characters, keeps a message below Webex's 7439 bytes, whatever
// the characters.
const maxWebex = 1800

// webex sends to the room of the channel.
func webex(p *fleet.Provider, m message) ([]request, error) {
	return []request{post(p.Address.Reveal(), webexMessage{Room: p.Channel, Text: m.text(maxWebex)}).bearing(p.Token)}, nil
}
