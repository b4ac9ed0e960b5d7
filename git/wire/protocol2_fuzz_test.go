package wire

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/pinsetter/pinsetter/parts/budget"
)

// What is read of a server's refs can be written for go-git, which reads the
// same.
func FuzzRefs(f *testing.F) {
	hash := strings.Repeat("ab", 20)
	f.Add([]byte("0000"))
	f.Add([]byte("0055" + hash + " HEAD symref-target:refs/heads/main\n0000"))
	f.Add([]byte("003d" + hash + " refs/heads/main\n0000"))
	f.Add([]byte("006a" + hash + " refs/tags/v1 peeled:" + hash + "\n0000"))
	f.Add([]byte("0010ERR go away\n0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var list *refList
		var err error
		budget.Affords(t, len(data), func() { list, err = readRefs(bufio.NewReader(bytes.NewReader(data))) })
		if err != nil {
			return
		}
		refs := len(list.refs)
		said, err := list.advertise(nil)
		if err != nil {
			return // a name that is longer than a line
		}
		again := packp.NewAdvRefs()
		if err := again.Decode(said); err != nil {
			return // what go-git doesn't take is its error
		}
		if len(again.References) != refs {
			t.Errorf("%d refs of %d", len(again.References), refs)
		}
	})
}

// Looking for capabilities reads nothing, and finds the same as go-git.
func FuzzPeekCaps(f *testing.F) {
	line := strings.Repeat("ab", 20) + " refs/heads/main\x00multi_ack shallow agent=x\n"
	f.Add([]byte(fmt.Sprintf("%04x%s0000", len(line)+4, line)))
	f.Add([]byte(fmt.Sprintf(serviceLine+"%04x%s0000", len(line)+4, line)))
	f.Add([]byte("ffffx"))
	f.Add([]byte("0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			body := bufio.NewReaderSize(bytes.NewReader(data), len(serviceLine)+4+maxPacket)
			caps := peekCaps(body)
			if rest, _ := io.ReadAll(body); !bytes.Equal(rest, data) {
				t.Errorf("%d of %d bytes are left", len(rest), len(data))
			}
			adv := packp.NewAdvRefs()
			if adv.Decode(bytes.NewReader(data)) != nil || len(adv.Prefix) == 1 {
				return
			}
			for _, c := range []capability.Capability{capability.MultiACK, capability.MultiACKDetailed} {
				if adv.Capabilities.Supports(c) && !slices.Contains(caps, string(c)) {
					t.Errorf("%s is missing in %q", c, caps)
				}
			}
		})
	})
}

// What comes before a pack ends, whatever it is.
func FuzzSections(f *testing.F) {
	f.Add([]byte("000dpackfile\n0000"))
	f.Add([]byte("0011shallow-info\n0035shallow " + strings.Repeat("a", 40) + "\n0001000dpackfile\n"))
	f.Add([]byte("0010ERR go away\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		start, _, _ := readSections(bufio.NewReader(bytes.NewReader(data)), true)
		_, _ = io.Copy(io.Discard, start)
		_, _ = readCaps(bufio.NewReader(bytes.NewReader(data)))
		_, _, _ = new(protocol2).fetchCommand(bufio.NewReader(bytes.NewReader(data)))
	})
}
