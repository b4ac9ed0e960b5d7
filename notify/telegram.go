package notify

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
)

// telegramMessage is the body of a request
// (https://core.telegram.org/bots/api#sendmessage). It is plain text: without a
// parse mode nothing in it is markup.
type telegramMessage struct {
	Chat    string          `json:"chat_id"`
	Thread  int64           `json:"message_thread_id,omitempty"`
	Text    string          `json:"text"`
	Preview telegramPreview `json:"link_preview_options"`
}

type telegramPreview struct {
	Disabled bool `json:"is_disabled"`
}

// maxTelegram is Telegram's bound on a text in characters.
const maxTelegram = 4096

// telegram sends to the chat of the channel, "CHAT" or "CHAT:THREAD". The
// address may name another server of the Bot API.
func telegram(p *fleet.Provider, m message) ([]request, error) {
	chat, thread, threaded := strings.Cut(p.Channel, ":")
	t := telegramMessage{Chat: chat, Text: m.text(maxTelegram), Preview: telegramPreview{Disabled: true}}
	if threaded {
		id, err := strconv.ParseInt(thread, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("spec.channel is %q: write the chat, or the chat, a colon and the number of the thread", p.Channel)
		}
		t.Thread = id
	}
	base := strings.TrimSuffix(cmp.Or(p.Address.Reveal(), "https://api.telegram.org"), "/")
	return []request{post(base+"/bot"+p.Token.Reveal()+"/sendMessage", t)}, nil
}
