package git

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"

	"github.com/pjbgf/sha1cd"
)

// pack returns a pack of objects, none of them as a delta
// (https://git-scm.com/docs/gitformat-pack).
func pack(objects []Object) ([]byte, error) {
	to := bytes.NewBufferString(packMagic)
	to.Write(binary.BigEndian.AppendUint32(nil, uint32(len(objects))))
	deflate := zlib.NewWriter(to)
	for _, o := range objects {
		to.Write(packedHeader(o))
		deflate.Reset(to)
		_, err := deflate.Write(o.Data)
		if err == nil {
			err = deflate.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("write pack: %w", err)
		}
	}
	sum := sha1cd.New()
	sum.Write(to.Bytes())
	return sum.Sum(to.Bytes()), nil
}

// packedHeader returns the kind and the size of an object as they stand in a pack.
func packedHeader(o Object) []byte {
	size := uint64(len(o.Data))
	first, size := byte(o.Kind)<<4|byte(size&15), size>>4
	if size == 0 {
		return []byte{first}
	}
	return binary.AppendUvarint([]byte{first | 0x80}, size)
}
