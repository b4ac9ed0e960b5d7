package git

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func hashOf(i int) Hash {
	return sumOf(Blob, fmt.Append(nil, i))
}

func tableOf(hashes ...Hash) table {
	t := table{width: hashSize}
	for _, hash := range sorted(hashes) {
		t.rows = append(t.rows, hash[:]...)
	}
	return t
}

// A table has what was put into it and nothing else, however hashes are spread.
func TestTable(t *testing.T) {
	for name, n := range map[string]int{"none": 0, "one": 1, "few": 100, "many": 5000} {
		for spread, hash := range map[string]func(int) Hash{
			"evenly": hashOf,
			"oddly":  func(i int) Hash { return Hash{byte(i % 2 * 255), 7, 18: byte(i >> 8), 19: byte(i)} },
		} {
			t.Run(name+" "+spread, func(t *testing.T) {
				var even, odd []Hash
				for i := range n {
					even, odd = append(even, hash(2*i)), append(odd, hash(2*i+1))
				}
				whole := tableOf(even...).merge(tableOf(slices.Concat(odd, even)...))
				if want := tableOf(slices.Concat(even, odd)...); !bytes.Equal(want.rows, whole.rows) {
					t.Errorf("merged %d rows, want %d", whole.len(), want.len())
				}
				half := tableOf(even...)
				for i := range n {
					row, found := half.find(even[i])
					if _, other := half.find(odd[i]); !found || other || Hash(row) != even[i] {
						t.Fatalf("%d: found %v and %v", i, found, other)
					}
				}
			})
		}
	}
}

// A spool gives back what was written, from memory and from a file.
func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, limit := range []int64{0, 100, 1 << 20} {
		s, want, random := &spool{limit: limit}, []byte(nil), rand.New(rand.NewPCG(1, 2))
		for range 50 {
			p := bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(20))
			if n, err := s.Write(p); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
			want = append(want, p...)
			at := random.IntN(len(want) + 1)
			if got, err := io.ReadAll(io.NewSectionReader(s, int64(at), 1<<20)); !bytes.Equal(got, want[at:]) || err != nil {
				t.Fatalf("from %d of %d: %d bytes, %v", at, len(want), len(got), err)
			}
		}
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 || err != nil {
			t.Errorf("left %v, %v", left, err)
		}
		s.close()
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := new(spool).Write([]byte("x")); err == nil {
		t.Error("no error where there is no directory")
	}
}

// Files beyond what is held in memory are read from a file.
func TestHold(t *testing.T) {
	into, size := NewStore(Bounds{}), fileMemory/4-2*objectOverhead
	for i := range 6 {
		if err := into.hold(hashOf(i), bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := into.hold(hashOf(6), nil); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if o, err := into.Object(hashOf(i)); len(o.Data) != size || o.Data[size-1] != byte(i) || err != nil {
			t.Errorf("%d: %d bytes, %v", i, len(o.Data), err)
		}
	}
	if len(into.byHash) != 5 || len(into.files) != 2 {
		t.Errorf("%d files in memory, %d not", len(into.byHash), len(into.files))
	}
}

// What is of another form goes, and then what was not used for longest.
func TestPrune(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	put := func(name, content string, age time.Duration) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"new", "middle", "old"} {
		put(name+keptName, keptMagic, time.Duration(i)*time.Minute)
	}
	put("other"+keptName, "pinsetter kept 1\nwhatever", 0)
	put("cut"+keptName, "", 0)
	put("writing"+keptNew, "", keptAbandoned-time.Minute)
	put("abandoned"+keptNew, "", keptAbandoned+time.Minute)
	put("theirs.txt", "", 1000*time.Hour)
	if err := os.Mkdir(filepath.Join(dir, "folder"+keptName), 0o700); err != nil {
		t.Fatal(err)
	}
	prune(dir, int64(2*len(keptMagic)))
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	var names []string
	for _, path := range left {
		names = append(names, filepath.Base(path))
	}
	want := []string{"folder" + keptName, "middle" + keptName, "new" + keptName, "theirs.txt", "writing" + keptNew}
	if diff := cmp.Diff(want, names); err != nil || diff != "" {
		t.Error(err, diff)
	}
	prune(filepath.Join(dir, "none"), 0)
}

// What is more than may be kept is not even put together.
func TestKeptTooLarge(t *testing.T) {
	into := NewStore(Bounds{})
	into.files[hashOf(1)] = extent{size: keptBytes}
	if (*kept)(nil).with(into, news{objects: []Hash{hashOf(1)}}) != nil {
		t.Error("it fits")
	}
}
