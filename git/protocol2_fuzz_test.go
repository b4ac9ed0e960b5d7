package git

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
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
		list, err := readRefs(bufio.NewReader(bytes.NewReader(data)))
		if err != nil {
			return
		}
		said := new(bytes.Buffer)
		if err := list.advertise(said, nil); err != nil {
			return // a name that is longer than a line
		}
		again := packp.NewAdvRefs()
		if err := again.Decode(said); err != nil {
			return // what go-git doesn't take is its error
		}
		if len(again.References) != len(list.refs) {
			t.Errorf("%d refs of %d", len(again.References), len(list.refs))
		}
	})
}

// What comes before a pack ends, whatever it is.
func FuzzSections(f *testing.F) {
	f.Add([]byte("000dpackfile\n0000"))
	f.Add([]byte("0011shallow-info\n0035shallow " + strings.Repeat("a", 40) + "\n0001000dpackfile\n"))
	f.Add([]byte("0010ERR go away\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		start, _ := readSections(bufio.NewReader(bytes.NewReader(data)), true)
		_, _ = io.Copy(io.Discard, start)
		_, _ = readCaps(bufio.NewReader(bytes.NewReader(data)))
		_, _, _ = new(protocol2).fetchCommand(bufio.NewReader(bytes.NewReader(data)))
	})
}
