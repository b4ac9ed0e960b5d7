package notify

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// matrixMessage is an m.room.message
// (https://spec.matrix.org/v1.11/client-server-api/#mroommessage). It says
// explicitly that it mentions nobody, so that clients don't guess from the
// text.
type matrixMessage struct {
	Type     string   `json:"msgtype"`
	Body     string   `json:"body"`
	Mentions struct{} `json:"m.mentions"`
}

// maxMatrix, in characters, keeps an event below Matrix's 65,536 bytes,
// whatever the characters.
const maxMatrix = 8000

// matrix sends to the room of the channel, an id such as "!abc:example.org".
// All tries of one message have the same transaction id, so the server keeps
// one.
func matrix(p *fleet.Provider, m message) ([]request, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("%s/_matrix/client/v3/rooms/%s/send/m.room.message/%x",
		strings.TrimSuffix(p.Address.Reveal(), "/"), url.PathEscape(p.Channel), sha256.Sum256(data))
	r := post(address, matrixMessage{Type: "m.text", Body: m.text(maxMatrix)}).bearing(p.Token)
	r.method = http.MethodPut
	return []request{r}, nil
}
