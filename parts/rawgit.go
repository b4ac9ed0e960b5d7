package parts

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/adler32"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Pack writes a pack (https://git-scm.com/docs/gitformat-pack) of any objects, also of
// such as git would not pack.
type Pack struct {
	t      T
	file   *os.File
	buffer *bufio.Writer
	sum    hash.Hash
	to     io.Writer // both
}

// NewPack returns a pack of so many objects, which are to be added before its End.
func NewPack(t T, objects int) *Pack {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "pack"))
	if err != nil {
		t.Fatalf("write pack: %v", err)
	}
	p := &Pack{t: t, file: f, buffer: bufio.NewWriterSize(f, 1<<20), sum: sha1.New()}
	p.to = io.MultiWriter(p.buffer, p.sum)
	p.write(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(objects)))
	return p
}

// End returns the path of the pack.
func (p *Pack) End() string {
	p.t.Helper()
	_, err := p.buffer.Write(p.sum.Sum(nil))
	if err == nil {
		err = p.buffer.Flush()
	}
	if err == nil {
		err = p.file.Close()
	}
	if err != nil {
		p.t.Fatalf("write pack: %v", err)
	}
	return p.file.Name()
}

func (p *Pack) write(data []byte) {
	if _, err := p.to.Write(data); err != nil {
		p.t.Fatalf("write pack: %v", err)
	}
}

// The kinds of objects in a pack.
const (
	PackCommit = 1
	PackTree   = 2
	PackBlob   = 3
	PackTag    = 4
	PackDelta  = 7 // to an object that is given by its hash
)

var packKinds = map[int]string{PackCommit: "commit", PackTree: "tree", PackBlob: "blob", PackTag: "tag"}

// Add writes an object, and returns its hash. Base is the hash that a delta is to; nil
// for other kinds.
func (p *Pack) Add(kind int, base, data []byte) []byte {
	p.header(kind, len(data), base)
	deflate := zlib.NewWriter(p.to)
	if len(data) < 1<<10 { // as it is: for a million of them
		p.write([]byte{0x78, 0x01, 0x01, byte(len(data)), byte(len(data) >> 8), ^byte(len(data)), ^byte(len(data) >> 8)})
		p.write(data)
		p.write(binary.BigEndian.AppendUint32(nil, adler32.Checksum(data)))
	} else if _, err := deflate.Write(data); err != nil || deflate.Close() != nil {
		p.t.Fatalf("write pack: %v", err)
	}
	return hashOf(kind, data)
}

// Huge writes an object of so many bytes: data, and a letter again and again.
func (p *Pack) Huge(kind, size int, data string) []byte {
	p.header(kind, size, nil)
	sum := begin(kind, size)
	deflate, _ := zlib.NewWriterLevel(p.to, zlib.BestSpeed)
	both := io.MultiWriter(deflate, sum)
	_, _ = io.WriteString(both, data)
	some := bytes.Repeat([]byte("x"), 1<<20)
	for left := size - len(data); left > 0; left -= len(some) {
		_, _ = both.Write(some[:min(left, len(some))])
	}
	if err := deflate.Close(); err != nil {
		p.t.Fatalf("write pack: %v", err)
	}
	return sum.Sum(nil)
}

func (p *Pack) header(kind, size int, base []byte) {
	first, rest := byte(kind)<<4|byte(size&15), uint64(size>>4)
	if rest == 0 {
		p.write(append([]byte{first}, base...))
		return
	}
	p.write(append(binary.AppendUvarint([]byte{first | 0x80}, rest), base...))
}

// Commit ends a pack with the commit of a tree.
func (p *Pack) Commit(tree []byte) RawGit {
	head := p.Add(PackCommit, nil, fmt.Appendf(nil, "tree %x\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n", tree))
	return RawGit{Head: head, Pack: p.End()}
}

func hashOf(kind int, data []byte) []byte {
	sum := begin(kind, len(data))
	sum.Write(data)
	return sum.Sum(nil)
}

func begin(kind, size int) hash.Hash {
	sum := sha1.New()
	fmt.Fprintf(sum, "%s %d\x00", packKinds[kind], size)
	return sum
}

// TreeLine returns an entry of a tree.
func TreeLine(mode, name string, hash []byte) []byte {
	return append([]byte(mode+" "+name+"\x00"), hash...)
}

// RawGit is a Git server that sends a pack as it is, whatever is asked.
type RawGit struct {
	Head []byte // the hash of main
	Pack string // its path
	Refs int    // how many branches it has beside main
	V0   bool   // it speaks protocol v0 over HTTP, as it does over SSH
}

// ServeSSH answers a command of SSH in protocol v0, for the function of that name.
func (h RawGit) ServeSSH(_ string, conn io.ReadWriter, _ io.Writer) error {
	h.refs(conn)
	from := bufio.NewReader(conn)
	for line := ""; !strings.HasSuffix(line, "done\n"); { // which ends the request
		var err error
		if line, err = from.ReadString('\n'); err != nil {
			return err
		}
	}
	h.pack(conn, true)
	return nil
}

// pktLine writes a pkt-line.
func pktLine(w io.Writer, text string) { fmt.Fprintf(w, "%04x%s", len(text)+4, text) }

// refs writes the list of refs in protocol v0.
func (h RawGit) refs(to io.Writer) {
	w := bufio.NewWriterSize(to, 1<<20)
	pktLine(w, fmt.Sprintf("%x HEAD\x00side-band-64k ofs-delta shallow filter allow-tip-sha1-in-want symref=HEAD:refs/heads/main\n", h.Head))
	pktLine(w, fmt.Sprintf("%x refs/heads/main\n", h.Head))
	for i := range h.Refs {
		pktLine(w, fmt.Sprintf("%x refs/heads/main%06d\n", h.Head, i))
	}
	_, _ = w.WriteString("0000")
	_ = w.Flush()
}

// pack writes the answer to a request for a pack: that of protocol v0, or of v2.
func (h RawGit) pack(w io.Writer, v0 bool) {
	shallow := fmt.Sprintf("shallow %x", h.Head)
	if v0 {
		pktLine(w, shallow)
		_, _ = io.WriteString(w, "0000")
		pktLine(w, "NAK\n")
	} else {
		pktLine(w, "shallow-info\n")
		pktLine(w, shallow)
		_, _ = io.WriteString(w, "0001")
		pktLine(w, "packfile\n")
	}
	f, err := os.Open(h.Pack)
	if err != nil {
		return
	}
	defer f.Close()
	data := make([]byte, 65515)
	for {
		n, err := io.ReadFull(f, data)
		if n > 0 {
			pktLine(w, "\x01"+string(data[:n]))
		}
		if err != nil {
			break
		}
	}
	_, _ = io.WriteString(w, "0000")
}

// ServeHTTP answers in protocol v2, or in v0.
func (h RawGit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/info/refs") {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		pktLine(w, "# service=git-upload-pack\n")
		_, _ = io.WriteString(w, "0000")
		if h.V0 {
			h.refs(w)
			return
		}
		for _, line := range []string{"version 2\n", "ls-refs\n", "fetch=shallow filter\n", "object-format=sha1\n"} {
			pktLine(w, line)
		}
		_, _ = io.WriteString(w, "0000")
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
	if bytes.Contains(body, []byte("command=ls-refs")) {
		pktLine(w, fmt.Sprintf("%x HEAD symref-target:refs/heads/main\n", h.Head))
		pktLine(w, fmt.Sprintf("%x refs/heads/main\n", h.Head))
		for i := range h.Refs {
			pktLine(w, fmt.Sprintf("%x refs/heads/main%06d\n", h.Head, i))
		}
		_, _ = io.WriteString(w, "0000")
		return
	}
	h.pack(w, h.V0)
}
