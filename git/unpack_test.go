package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// item is one object or delta of a pack that a test writes by hand.
type item struct {
	kind Kind
	size int64 // declared; -1: that of data
	base any   // Hash or distance in bytes (int), for deltas
	data []byte
}

// packOf writes a pack: with a right checksum, whatever else is wrong with it.
func packOf(count uint32, items ...item) []byte {
	var pack bytes.Buffer
	pack.WriteString("PACK")
	_ = binary.Write(&pack, binary.BigEndian, [2]uint32{2, count})
	for _, it := range items {
		size := it.size
		if size < 0 {
			size = int64(len(it.data))
		}
		first, rest := byte(it.kind)<<4|byte(size&15), uint64(size)>>4
		for rest > 0 {
			pack.WriteByte(first | 0x80)
			first, rest = byte(rest&0x7f), rest>>7
		}
		pack.WriteByte(first)
		switch base := it.base.(type) {
		case Hash:
			pack.Write(base[:])
		case int:
			pack.WriteByte(byte(base)) // below 128
		}
		z := zlib.NewWriter(&pack)
		_, _ = z.Write(it.data)
		_ = z.Close()
	}
	sum := sha1.Sum(pack.Bytes())
	pack.Write(sum[:])
	return pack.Bytes()
}

func blob(data string) item { return item{Blob, -1, nil, []byte(data)} }

// copies is a delta that makes n copies of a base of that size.
func copies(base, n int) []byte {
	change := binary.AppendUvarint(nil, uint64(base))
	change = binary.AppendUvarint(change, uint64(base*n))
	for range n {
		change = append(change, 0x80|0x10|0x20, byte(base), byte(base>>8))
	}
	return change
}

// tags are so many different tags.
func tags(n int) (items []item) {
	for i := range n {
		items = append(items, item{Tag, -1, nil, fmt.Appendf(nil, "object %d\n", i)})
	}
	return items
}

func TestUnpackHostile(t *testing.T) {
	bounds := Bounds{FileBytes: 1000, TreeBytes: 1000, CommitBytes: 500, HeldBytes: 3000, UnpackedBytes: 10_000, Objects: 100}
	hello := sumOf(Blob, []byte("hello"))
	bomb := bytes.Repeat([]byte("a"), 20_000)
	chain := []item{blob("hello")}
	base := hello
	for i := range 90 {
		name := fmt.Appendf(nil, "n%04d", i)
		change := append([]byte{5, 5, 5}, name...)
		chain = append([]item{{refDelta, -1, base, change}}, chain...) // children before parents
		base = sumOf(Blob, name)
	}
	tests := map[string]struct {
		pack []byte
		text string // of the error; "": it can be read
		want int    // objects
		lost int    // deltas
	}{
		"two files":                      {pack: packOf(2, blob("hello"), blob("world")), want: 2},
		"delta against a later object":   {pack: packOf(2, item{refDelta, -1, hello, copies(5, 3)}, blob("hello")), want: 2},
		"a long chain, backwards":        {pack: packOf(91, chain...), want: 91},
		"delta without its base":         {pack: packOf(1, item{refDelta, -1, hello, copies(5, 3)}), lost: 1},
		"file over the bound":            {pack: packOf(2, item{Blob, -1, nil, bomb[:2000]}, blob("hello")), want: 1},
		"delta that makes too large one": {pack: packOf(2, blob("hello"), item{refDelta, -1, hello, copies(5, 300)}), want: 1, lost: 1},
		"delta over the bound":           {pack: packOf(2, blob("hello"), item{refDelta, -1, hello, bomb[:3000]}), want: 1, lost: 1},
		"directory over the bound":       {pack: packOf(2, item{Tree, -1, nil, bomb[:2000]}, blob("hello")), want: 1},
		"commit over the bound":          {pack: packOf(1, item{Commit, -1, nil, bomb[:501]}), text: "over the bound of 500 bytes for a commit or a tag"},
		"delta that makes a large tag":   {pack: packOf(2, item{Tag, -1, nil, []byte("hello")}, item{refDelta, -1, sumOf(Tag, []byte("hello")), copies(5, 300)}), text: "over the bound of 500 bytes for a commit or a tag"},
		"delta that makes a large tree":  {pack: packOf(2, item{Tree, -1, nil, []byte("hello")}, item{refDelta, -1, sumOf(Tree, []byte("hello")), copies(5, 300)}), want: 1, lost: 1},
		"directories together":           {pack: packOf(3, item{Tree, -1, nil, bomb[:950]}, item{Tree, -1, nil, bomb[:960]}, item{Tree, -1, nil, bomb[:970]}), text: "over the bound of 3000 bytes of commits, tags and directories"},
		"many small tags":                {pack: packOf(30, tags(30)...), text: "over the bound of 3000 bytes of commits, tags and directories"},
		"too many objects":               {pack: packOf(101), text: "over the bound of 100 objects"},
		"bomb":                           {pack: packOf(1, item{Blob, -1, nil, bomb}), text: "over the bound of 10000 bytes when unpacked"},
		"trees beyond all bounds":        {pack: packOf(1, item{Tree, -1, nil, bomb}), text: "over the bound of 10000 bytes when unpacked"},
		"more than it says":              {pack: packOf(1, item{Blob, 4, nil, []byte("hello")}), text: "read pack"},
		"less than it says":              {pack: packOf(1, item{Blob, 6, nil, []byte("hello")}), text: "object of 5 bytes instead of 6"},
		"says it is huge":                {pack: packOf(1, item{Tree, 1 << 50, nil, []byte("hello")}), text: "over the bound"},
		"more objects than there are":    {pack: packOf(50, blob("hello")), text: "read pack"},
		"unknown type":                   {pack: packOf(1, item{Kind(5), -1, nil, []byte("hello")}), text: "unknown type 5"},
		"delta with a wrong size":        {pack: packOf(2, blob("hello"), item{refDelta, -1, hello, []byte{9, 2, 2, 'a', 'b'}}), text: "invalid delta"},
		"delta that is cut":              {pack: packOf(2, blob("hello"), item{refDelta, -1, hello, []byte{5, 200}}), text: "invalid delta"},
		"delta of nothing":               {pack: packOf(2, blob(""), item{refDelta, -1, sumOf(Blob, nil), []byte{0, 1, 1, 'a'}}), text: "invalid delta"},
		"delta to before the pack":       {pack: packOf(1, item{ofsDelta, -1, 100, copies(5, 1)}), text: "read pack"},
		"delta to between objects":       {pack: packOf(2, blob("hello"), item{ofsDelta, -1, 1, copies(5, 1)}), want: 1, lost: 1},
		"no pack":                        {pack: []byte("nonsense"), text: "read pack"},
		"nothing":                        {text: "read pack"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			into := NewStore(bounds)
			err := into.Unpack(context.Background(), bytes.NewReader(test.pack), Choice{})
			if test.text != "" {
				if err == nil || !strings.Contains(err.Error(), test.text) {
					t.Errorf("error %v, want %q", err, test.text)
				}
				return
			}
			if err != nil || len(into.byHash) != test.want || into.lost != test.lost {
				t.Errorf("%d objects, %d lost, %v; want %d, %d", len(into.byHash), into.lost, err, test.want, test.lost)
			}
			for hash, o := range into.byHash {
				if sumOf(o.Kind, o.Data) != hash {
					t.Errorf("object %s is not %q", hash, o.Data)
				}
			}
		})
	}
}

func TestUnpackChecksum(t *testing.T) {
	pack := packOf(1, blob("hello"))
	pack[len(pack)-1] ^= 1
	bounds := Bounds{}
	if err := NewStore(bounds).Unpack(context.Background(), bytes.NewReader(pack), Choice{}); err == nil {
		t.Error("no error for a wrong checksum")
	}
}

// Two chains side by side, which make an unpacker that forgets begin anew for each
// object, cost no more than the bounds.
func TestUnpackOutOfOrder(t *testing.T) {
	items := []item{blob("hello"), blob("world")}
	bases := []Hash{
		sumOf(Blob, items[0].data),
		sumOf(Blob, items[1].data),
	}
	for i := range 90 {
		name := fmt.Appendf(nil, "n%04d", i)
		items = append(items, item{refDelta, -1, bases[i%2], append([]byte{5, 5, 5}, name...)})
		bases[i%2] = sumOf(Blob, name)
	}
	pack := packOf(uint32(len(items)), items...)
	for text, bounds := range map[string]Bounds{
		"":                                     {},
		"over the bound of 100 objects, which": {Objects: 100},
		"over the bound of 2000 bytes":         {UnpackedBytes: 2000},
	} {
		if err := NewStore(bounds).Unpack(context.Background(), bytes.NewReader(pack), Choice{}); err != nil {
			t.Errorf("with memory: %v", err)
		}
		lean := NewStore(bounds)
		err := forgetful(lean).unpack(context.Background(), bytes.NewReader(pack))
		if text == "" && (err != nil || len(lean.unwanted) != len(items)) {
			t.Errorf("%d files, %v", len(lean.unwanted), err)
		}
		if text != "" && (!errors.Is(err, ErrBound) || !strings.Contains(err.Error(), text)) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}

// Who waits no longer isn't worked for.
func TestUnpackCanceled(t *testing.T) {
	bounds := Bounds{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := NewStore(bounds).Unpack(ctx, bytes.NewReader(packOf(1, blob("hello"))), Choice{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A file over the bound is in nobody's way until it is asked for.
func TestTooLargeFile(t *testing.T) {
	bounds := Bounds{FileBytes: 4}
	into := NewStore(bounds)
	if err := into.Unpack(context.Background(), bytes.NewReader(packOf(1, blob("hello"))), Choice{}); err != nil {
		t.Fatal(err)
	}
	_, err := into.Object(sumOf(Blob, []byte("hello")))
	if !errors.Is(err, ErrBound) || !strings.Contains(err.Error(), "it has 5 bytes: over the bound of 4 bytes for a file") {
		t.Errorf("error %v", err)
	}
}

// forgetful is an unpacker that wants no file but those in need, and holds as
// little as it can of a pack.
func forgetful(into *Store, need ...Hash) *unpacker {
	held := map[Hash]bool{}
	for _, hash := range need {
		held[hash] = true
	}
	u := newUnpacker(into, Choice{Wants: func([]byte) bool { return false }, Need: held})
	u.recent.limit, u.spool.limit = 0, 0
	return u
}

// hashIn returns the hash that text is.
func hashIn(t *testing.T, text string) Hash {
	t.Helper()
	hash, ok := ParseHash(strings.TrimSpace(text))
	if !ok {
		t.Fatalf("%q is no hash", text)
	}
	return hash
}

// What C git packs is read as C git reads it: with deltas of both kinds, also
// where their bases are forgotten.
func TestUnpackWhatGitPacks(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	text := strings.Repeat("a line that is the same in all of them\n", 200)
	tree := parts.Tree{Files: map[string]string{}}
	for i := range 50 {
		tree.Files["dir/file"+string(rune('A'+i))] = text + string(rune('A'+i)) + text
	}
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: tree})
	repository.CommitFile("main", "dir/fileA", text, "")
	for name, args := range map[string][]string{"by place": {"--delta-base-offset"}, "by hash": nil} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("git", append([]string{"pack-objects", "--stdout", "--all", "-q"}, args...)...)
			cmd.Dir, cmd.Env, cmd.Stdin = repository.Dir, g.Env(), strings.NewReader("")
			pack, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			bounds := Bounds{}
			into := NewStore(bounds)
			if err := into.Unpack(context.Background(), bytes.NewReader(pack), Choice{}); err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for hash, o := range into.byHash {
				got[hash.String()] = true
				if sumOf(o.Kind, o.Data) != hash {
					t.Errorf("object %s has another content", hash)
				}
			}
			lean, one := NewStore(bounds), hashIn(t, repository.Git("rev-parse", "main:dir/fileB"))
			if err := forgetful(lean, one).unpack(context.Background(), bytes.NewReader(pack)); err != nil {
				t.Fatal(err)
			}
			for hash, o := range into.byHash {
				if o.Kind == Blob && lean.unwanted[hash] == (hash == one) {
					t.Errorf("%s: unwanted %v", hash, lean.unwanted[hash])
				}
			}
			if len(lean.byHash)+len(lean.unwanted) != len(into.byHash) || !bytes.Equal(lean.byHash[one].Data, into.byHash[one].Data) {
				t.Errorf("%d objects and %d unwanted files of %d", len(lean.byHash), len(lean.unwanted), len(into.byHash))
			}
			want := map[string]bool{}
			for line := range strings.Lines(repository.Git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")) {
				want[strings.TrimSpace(line)] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever a server sends: no panic, no memory beyond the bounds, and what is
// kept is what its hash says.
func FuzzUnpack(f *testing.F) {
	hello := sumOf(Blob, []byte("hello"))
	f.Add(packOf(2, blob("hello"), blob("world")))
	f.Add(packOf(2, item{refDelta, -1, hello, copies(5, 3)}, blob("hello")))
	f.Add(packOf(2, blob("hello"), item{ofsDelta, -1, 14, copies(5, 3)}))
	f.Add(packOf(1, item{Tree, 1 << 50, nil, []byte("hello")}))
	f.Fuzz(func(t *testing.T, pack []byte) {
		if len(pack) >= 20 { // the checksum must not keep the fuzzer out
			sum := sha1.Sum(pack[:len(pack)-20])
			copy(pack[len(pack)-20:], sum[:])
		}
		bounds := Bounds{FileBytes: 1 << 16, UnpackedBytes: 1 << 20, Objects: 1 << 10}
		into, lean := NewStore(bounds), NewStore(bounds)
		var err error
		budget.Affords(t, len(pack), func() { err = into.Unpack(context.Background(), bytes.NewReader(pack), Choice{}) })
		if forgetful(lean).unpack(context.Background(), bytes.NewReader(pack)) == nil && (err != nil || len(lean.byHash)+len(lean.unwanted) != len(into.byHash)) {
			t.Errorf("%d and %d of %d objects, %v", len(lean.byHash), len(lean.unwanted), len(into.byHash), err)
		}
		var total int64
		for hash, o := range into.byHash {
			total += int64(len(o.Data))
			if sumOf(o.Kind, o.Data) != hash {
				t.Errorf("object %s is not %q", hash, o.Data)
			}
		}
		for hash := range lean.unwanted {
			if into.byHash[hash].Kind != Blob {
				t.Errorf("unwanted: %s, which is a %s", hash, into.byHash[hash].Kind)
			}
		}
		if total > bounds.UnpackedBytes {
			t.Errorf("%d bytes are kept", total)
		}
	})
}

// A delta makes of its base what go-git makes of it, or is an error for both.
func FuzzPatch(f *testing.F) {
	f.Add([]byte("hello"), copies(5, 3))
	f.Add([]byte("hello"), []byte{5, 2, 2, 'a', 'b'})
	f.Add([]byte("hello"), []byte{5, 3, 0x91, 1, 3})
	f.Add([]byte("hello"), []byte{5, 0})
	f.Fuzz(func(t *testing.T, base, change []byte) {
		want, wantErr := packfile.PatchDelta(base, change)
		var got []byte
		var err error
		budget.Affords(t, len(base)+len(change), func() { got, err = patch(base, change) })
		if _, _, _, bad := deltaSizes(change); bad != nil || len(base) == 0 {
			return // go-git takes a number that is cut, and no empty base
		}
		if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
			t.Errorf("%q, %v; go-git makes %q, %v", got, err, want, wantErr)
		}
	})
}

// A tree that is read is read to its end, and replaced without a change of
// anything else.
func FuzzTree(f *testing.F) {
	hash := strings.Repeat("h", 20)
	f.Add([]byte("100644 a\x00" + hash + "40000 b\x00" + hash))
	f.Add([]byte("100644 ..\x00" + hash))
	f.Add([]byte("100644 a/b\x00" + hash))
	f.Add([]byte(" \x00"))
	f.Fuzz(func(t *testing.T, tree []byte) {
		var again []byte
		for at := 0; at < len(tree); {
			e, next, err := nextEntry(tree, at)
			if err != nil {
				return
			}
			if bytes.ContainsAny(e.name, "/\x00") || len(e.name) == 0 || string(e.name) == ".." {
				t.Errorf("name %q", e.name)
			}
			again = append(again, e.mode+" "+string(e.name)+"\x00"...)
			again = append(again, e.hash[:]...)
			at = next
		}
		if !bytes.Equal(again, tree) {
			t.Errorf("read %q as %q", tree, again)
		}
	})
}

func TestLimitedReader(t *testing.T) {
	for size, want := range map[int64]error{4: ErrBound, 5: nil, math.MaxInt64 - 1: nil} {
		data, err := io.ReadAll(LimitReader(strings.NewReader("hello"), size, "bytes"))
		if !errors.Is(err, want) || want == nil && string(data) != "hello" {
			t.Errorf("%d: %q, %v", size, data, err)
		}
	}
}
