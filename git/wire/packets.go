package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/pinsetter/pinsetter/git"
)

// mark is the kind of a pkt-line: data, or one of the marks of protocol v2
// (https://git-scm.com/docs/protocol-v2).
type mark int

const (
	packetFlush mark = 0
	packetDelim mark = 1
	packetEnd   mark = 2
	packetData  mark = 4
)

var errPacket = errors.New("malformed pkt-line")

// readPacket reads one pkt-line. The line is without its newline.
func readPacket(r *bufio.Reader) (mark, []byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return 0, nil, git.Early(err)
	}
	n, err := strconv.ParseUint(string(size[:]), 16, 16)
	switch {
	case err != nil || n == 3:
		return 0, nil, errPacket
	case n < 4:
		return mark(n), nil, nil
	}
	line := make([]byte, n-4)
	if _, err := io.ReadFull(r, line); err != nil {
		return 0, nil, git.Early(err)
	}
	return packetData, bytes.TrimSuffix(line, []byte("\n")), nil
}

// maxPacket bounds the data of a pkt-line
// (https://git-scm.com/docs/gitprotocol-common).
const maxPacket = 65516

// writeLine writes a line, which must not be longer than a pkt-line may be, and
// ends it.
func writeLine(to *bytes.Buffer, line string) error {
	if len(line) >= maxPacket {
		return fmt.Errorf("%w: it would be too long", errPacket)
	}
	writePacket(to, line)
	return nil
}

// writePacket writes a line that is shorter than a pkt-line may be, and ends it.
func writePacket(to *bytes.Buffer, line string) {
	fmt.Fprintf(to, "%04x%s\n", len(line)+5, line)
}

// writeMark writes a pkt-line without data.
func writeMark(to *bytes.Buffer, m mark) { fmt.Fprintf(to, "%04x", int(m)) }
