package gitops

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// FuzzSideBand: whatever a server answers in bands, no more comes out of it than it
// sent, and an error of it is one line of bounded length once it is told to people.
func FuzzSideBand(f *testing.F) {
	band := func(n byte, text string) string { return fmt.Sprintf("%04x%c%s", len(text)+5, n, text) }
	hash := plumbing.NewHash(strings.Repeat("ab", 20))
	report := "000eunpack ok\n0019ok refs/heads/main\n0000"
	for _, text := range []string{
		"0008NAK\n" + band(1, "PACK") + band(2, "Counting\r") + "0000", "0008NAK\n" + band(3, "go\naway\x1b[31m") + "0000",
		"0008NAK\n" + band(4, "x") + "0000", "0008NAK\n0005\x01", "0008NAK\n0004", "0008NAK\nffff\x01", "0010ERR go away\n",
		"0031ACK " + hash.String() + "\n0008NAK\n" + strings.Repeat(band(2, "x"), 5000), "0035shallow " + hash.String() + "\n0000",
		band(1, report) + "0000", band(2, "remote: no\n") + band(1, report[:9]) + band(1, report[9:]) + "0000", band(1, "0011unpack failed\n0000") + "0000",
	} {
		f.Add([]byte(text))
	}
	bands := func(c *capability.List) { _ = c.Set(capability.Sideband64k) } // fails for values only
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			session := func() *streamSession {
				return &streamSession{
					running: &stream{in: nowhere{io.Discard}, said: new(tail), wait: func() error { return nil }, cancel: func() {}},
					out:     &ending{Reader: bytes.NewReader(data)},
				}
			}
			adv := packp.NewAdvRefs()
			bands(adv.Capabilities)
			c := &conversation{session: session(), adv: adv}
			answer, pack, err := c.ask(t.Context(), request{wants: []plumbing.Hash{hash}})
			if err == nil {
				var n int64
				n, err = io.Copy(io.Discard, pack)
				if _ = answer.Close(); n > int64(len(data)) {
					t.Errorf("%d bytes of %d", n, len(data))
				}
			}
			told(t, err)
			req := packp.NewReferenceUpdateRequest()
			bands(req.Capabilities)
			_ = req.Capabilities.Set(capability.ReportStatus)
			progress := new(tail)
			req.Progress = progress
			req.Commands = []*packp.Command{{Name: "refs/heads/main", Old: hash, New: plumbing.ZeroHash}}
			_, err = session().ReceivePack(t.Context(), req)
			told(t, err)
			told(t, explainText(progress.String(), err))
		})
	})
}

// told fails unless an error can be told to people.
func told(t *testing.T, err error) {
	t.Helper()
	if err = explain(t.Context(), err); err != nil && (strings.ContainsAny(err.Error(), "\r\n\x1b") || len(err.Error()) > 8192) {
		t.Errorf("%.300q", err)
	}
}

// nowhere takes what is sent.
type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }
