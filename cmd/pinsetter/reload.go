package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
)

// reloader reads objects again when they have changed.
type reloader struct {
	app  *app
	seen [sha256.Size]byte          // of what was read last
	bad  map[pinsetter.Finding]bool // the errors of the set in use, without their lines
}

// first loads the objects for the first time. What is wrong with some is said,
// and the others are used.
func (r *reloader) first(ctx context.Context) (*config.Set, error) {
	set, failed, err := r.app.load(ctx)
	if err != nil {
		return nil, err
	}
	_ = r.app.report(set.Findings) // the status page shows what is wrong
	for _, e := range flatten(failed) {
		r.app.say("error", e.Error())
	}
	r.bad = errorsOf(set)
	if files, err := r.app.read(ctx); err == nil {
		r.seen = r.fingerprint(files)
	}
	return set, nil
}

// watch hands on a set whenever what is read has changed, until ctx ends. One
// with errors that the set in use hasn't is not used: they are said, and handed
// to complain.
func (r *reloader) watch(ctx context.Context, every time.Duration, use func(*config.Set), complain func([]pinsetter.Finding)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		files, err := r.app.read(ctx)
		r.app.progress.done()
		if err != nil {
			r.app.log.Error("the objects can't be read again; those of before are used", "error", err)
			continue
		}
		seen := r.fingerprint(files)
		if seen == r.seen {
			continue
		}
		r.seen = seen
		set := config.Load(files, r.app.loading())
		if broken := r.broken(set); len(broken) > 0 {
			for _, f := range broken {
				r.app.log.Error("an edit is broken, and not taken up; the objects of before are used", "finding", f.String())
			}
			complain(broken)
			continue
		}
		r.app.log.Info("the objects have changed", "automations", len(set.Automations), "policies", len(set.Policies))
		r.bad = errorsOf(set)
		use(set)
	}
}

// broken returns the errors of a set that the set in use hasn't, wherever they
// stand now. A set without any object is broken: somebody emptied a folder, or it
// isn't mounted.
func (r *reloader) broken(set *config.Set) []pinsetter.Finding {
	var broken []pinsetter.Finding
	for _, f := range set.Findings {
		if f.Severity == pinsetter.Error && !r.bad[withoutLine(f)] {
			broken = append(broken, f)
		}
	}
	if len(set.Automations)+len(set.Policies)+len(set.Repositories) == 0 && len(broken) == 0 {
		broken = append(broken, pinsetter.Finding{Severity: pinsetter.Error, Code: "missing-object", Message: "there are no objects any more in " + r.app.sources()})
	}
	return broken
}

// errorsOf returns the errors of a set, without their lines.
func errorsOf(set *config.Set) map[pinsetter.Finding]bool {
	all := map[pinsetter.Finding]bool{}
	for _, f := range set.Findings {
		if f.Severity == pinsetter.Error {
			all[withoutLine(f)] = true
		}
	}
	return all
}

func withoutLine(f pinsetter.Finding) pinsetter.Finding {
	f.Line = 0
	return f
}

// fingerprint tells what was read apart: the files, and what is in the folders of
// mounted Secrets.
func (r *reloader) fingerprint(files []config.File) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %d\n", f.Path, len(f.Data))
		h.Write(f.Data)
	}
	for _, dir := range r.app.secrets {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return nil //nolint:nilerr // loading says what can't be read
			}
			fmt.Fprintf(h, "%q\n", path)
			addFile(h, path)
			return nil
		})
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// maxSecret bounds what is read of a mounted Secret's key.
const maxSecret = 1 << 20

func addFile(h hash.Hash, path string) {
	f, err := os.Open(path)
	if err != nil {
		return // loading says so
	}
	defer func() { _ = f.Close() }()
	_, _ = io.Copy(h, io.LimitReader(f, maxSecret)) // the same
}
