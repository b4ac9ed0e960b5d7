package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/store"
)

func TestSQLiteIsForItsUserAlone(t *testing.T) {
	p := newSQLite(t)
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", "")
	for path, want := range map[string]fs.FileMode{
		filepath.Dir(p.raw): 0o700 | fs.ModeDir, p.raw: 0o600, p.raw + "-wal": 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

func TestSQLiteWithOddNames(t *testing.T) {
	dir := parts.Dir(t)
	for _, name := range []string{"a b.db", "a?mode=memory.db", "a#b.db", "a%20b.db", "ä.db", "file:a.db"} {
		path := filepath.Join(dir, name)
		place{dsn: parse(t, "sqlite:"+path)}.open(t, store.Options{})
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	t.Chdir(dir)
	place{dsn: parse(t, "sqlite:relative.db")}.open(t, store.Options{})
	if _, err := os.Stat(filepath.Join(dir, "relative.db")); err != nil {
		t.Error(err)
	}
}

func TestSQLiteJournal(t *testing.T) {
	p := newSQLite(t)
	for _, tt := range []struct {
		local bool
		want  string
	}{{true, "wal"}, {true, "wal"}, {false, "delete"}, {true, "wal"}} {
		got, err := store.JournalOn(t.Context(), p.dsn, tt.local)
		if err != nil || got != tt.want {
			t.Errorf("local: %v: journal mode %q, %v, want %q", tt.local, got, err, tt.want)
		}
	}
	see(t, p.open(t, store.Options{}), noon, "1.0", "")
}

func TestSQLiteEphemeral(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "pinsetter-")
	if err != nil {
		t.Logf("no tmpfs here: %v", err)
		return
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := place{dsn: parse(t, "sqlite:"+filepath.Join(dir, "state.db"))}
	got := p.open(t, store.Options{}).Ephemeral()
	for _, word := range []string{filepath.Join(dir, "state.db"), "tmpfs", "volume", "--state"} {
		if !strings.Contains(got, word) {
			t.Errorf("reason %q doesn't say %q", got, word)
		}
	}
}

func TestSQLiteDamaged(t *testing.T) {
	full := func(t *testing.T, p place) []byte {
		l := p.open(t, store.Options{})
		for round := range 20 {
			if err := fill(t.Context(), l, round); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(p.raw)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	tests := []struct {
		name   string
		damage func(data []byte) []byte
	}{
		{"garbage", func([]byte) []byte { return []byte(strings.Repeat("not a database\n", 1000)) }},
		{"cut within the header", func(data []byte) []byte { return data[:50] }},
		{"cut after the first page", func(data []byte) []byte { return data[:4096] }},
		{"cut in the middle", func(data []byte) []byte { return data[:len(data)/2] }},
		{"pages overwritten", func(data []byte) []byte {
			for i := 4096; i < len(data); i++ {
				data[i] = 0xa5
			}
			return data
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newSQLite(t)
			if err := os.WriteFile(p.raw, tt.damage(full(t, p)), 0o600); err != nil {
				t.Fatal(err)
			}
			err := grow(t.Context(), p.dsn)
			mustFail(t, err, store.ErrCorrupt, "sqlite:"+p.raw, "move "+p.raw+" away", "cooldowns")
		})
	}
}

func TestSQLiteOfAnotherProgram(t *testing.T) {
	p := newSQLite(t)
	if err := os.MkdirAll(filepath.Dir(p.raw), 0o700); err != nil {
		t.Fatal(err)
	}
	p.exec(t, "CREATE TABLE theirs (a TEXT)")
	for _, o := range []store.Options{{}, {ReadOnly: true}} {
		_, err := store.Open(t.Context(), p.dsn, o)
		mustFail(t, err, store.ErrSchema, "another program's", p.raw)
	}
}

func TestSQLiteLocked(t *testing.T) {
	p := newSQLite(t)
	l := p.open(t, store.Options{Wait: 50 * time.Millisecond})
	lock(t, p)
	_, err := l.Sights().See(t.Context(), noon, []store.Observation{{Tag: tag("1.0")}})
	mustFail(t, err, store.ErrLocked, "record sightings in sqlite:"+p.raw, "--state")
	if _, err = store.Open(t.Context(), parse(t, "sqlite:"+p.raw+".new"), store.Options{}); err != nil {
		t.Errorf("another file: %v", err)
	}
}

func TestSQLiteLockedWhenItIsNew(t *testing.T) {
	p := newSQLite(t)
	if err := os.MkdirAll(filepath.Dir(p.raw), 0o700); err != nil {
		t.Fatal(err)
	}
	lock(t, p)
	_, err := store.Open(t.Context(), p.dsn, store.Options{Wait: 50 * time.Millisecond})
	mustFail(t, err, store.ErrLocked, p.raw)
}

func TestSQLiteFull(t *testing.T) {
	p := newSQLite(t)
	l := p.open(t, store.Options{})
	see(t, l, noon, "1.0", "")
	if err := l.LimitPages(t.Context(), "1"); err != nil { // no less than it has
		t.Fatal(err)
	}
	err := fill(t.Context(), l, 1)
	for round := 2; err == nil && round < 100; round++ {
		err = fill(t.Context(), l, round)
	}
	mustFail(t, err, store.ErrFull, "record sightings in sqlite:"+p.raw, "free space")
	if got := see(t, l, noon.Add(day), "1.0", ""); !got.First.Equal(noon) {
		t.Errorf("what was there before is gone: %+v", got)
	}
}

func TestSQLiteFileTooLarge(t *testing.T) {
	p := newSQLite(t)
	output, err := other(t, "grow", p.dsn).CombinedOutput()
	if err == nil || !strings.Contains(string(output), store.ErrFull.Error()) {
		t.Errorf("%v: %s", err, output)
	}
	see(t, p.open(t, store.Options{}), noon, "1.0", "") // and it isn't damaged
}

func TestSQLiteReadOnly(t *testing.T) {
	tests := []struct {
		name  string
		dir   fs.FileMode
		file  fs.FileMode
		place func(p place) place
	}{
		{"a file that can't be written", 0o777, 0o444, nil},
		{"a file that can't be read", 0o777, 0o000, nil},
		{"a directory that can't be written", 0o555, 0o444, nil},
		{"no directory, and none can be made", 0o555, 0o444, func(p place) place {
			p.raw = filepath.Join(filepath.Dir(p.raw), "new", "state.db")
			return p
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newSQLite(t)
			if err := p.open(t, store.Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Dir(p.raw)
			for path, mode := range map[string]fs.FileMode{filepath.Dir(dir): 0o755, p.raw: tt.file, dir: tt.dir} {
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
			if tt.place != nil {
				p = tt.place(p)
			}
			p.dsn = parse(t, "sqlite:"+p.raw)
			output, err := asNobody(t, "touch", p)
			if err == nil || !strings.Contains(output, store.ErrReadOnly.Error()) || !strings.Contains(output, p.raw) {
				t.Errorf("%v: %s", err, output)
			}
		})
	}
}

// TestSQLiteInTwoProcesses is "used by many at once" with processes: locks of
// one process don't keep out itself.
func TestSQLiteInTwoProcesses(t *testing.T) {
	p := newSQLite(t) // and they make it at once
	var group errgroup.Group
	for worker := range 4 {
		group.Go(func() error {
			if output, err := other(t, fmt.Sprintf("hammer %d", worker), p.dsn).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, output)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	hammered(t, p.open(t, store.Options{}))
}

// TestSQLiteKilledInUse kills a process that records, and reads what it left.
func TestSQLiteKilledInUse(t *testing.T) {
	p := newSQLite(t)
	for round := range 5 {
		command := other(t, fmt.Sprintf("hammer %d", round), p.dsn)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var ended atomic.Bool
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = command.Wait()
			ended.Store(true)
		}()
		parts.Until(t, "something new to be recorded", func() bool {
			info, err := os.Stat(p.raw + "-wal")
			return err == nil && info.Size() > 300_000 || ended.Load()
		})
		_ = command.Process.Kill()
		<-done
		reader := p.open(t, store.Options{ReadOnly: true})
		runs := len(history(t, reader, store.Filter{}))
		l := p.open(t, store.Options{})
		if got := len(history(t, l, store.Filter{})); got != runs || len(written(t, l)) == 0 {
			t.Errorf("%d runs, read only %d", got, runs)
		}
		see(t, l, noon, "1.0", "")
		if err := errors.Join(l.Close(), reader.Close()); err != nil {
			t.Error(err)
		}
	}
	if got := len(history(t, p.open(t, store.Options{ReadOnly: true}), store.Filter{})); got == 0 {
		t.Error("nothing can be read when everybody is gone")
	}
}
