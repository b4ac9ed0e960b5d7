package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
)

// reloader reads objects again when they have changed.
type reloader struct {
	app     *cli.App
	stdin   []byte                     // read only once
	filled  map[string]bool            // sources that have had files
	used    [sha256.Size]byte          // fingerprint of the files of the set in use
	seen    [sha256.Size]byte          // fingerprint of the last reading; zero if it failed
	bad     map[pinsetter.Finding]bool // the errors of the set in use, without their lines
	refused bool                       // the last reading is not in use
}

// first loads the objects for the first time. It reports wrong ones and uses
// the others.
func (r *reloader) first(ctx context.Context) (*fleet.Set, error) {
	if slices.Contains(r.app.Filenames, "-") {
		file, err := source.ReadFrom("stdin", r.app.In)
		if err != nil {
			return nil, cli.Exit(cli.StatusUsage, err)
		}
		r.stdin = file.Data
	}
	r.filled = map[string]bool{}
	read, wrong := r.read(ctx)
	set, err := r.app.LoadFrom(read)
	if err != nil {
		return nil, err
	}
	_ = r.app.Report(set.Findings) // the status page shows the findings
	r.bad = errorsOf(set)
	if len(wrong) == 0 {
		r.used = r.fingerprint(read.Files)
		r.seen = r.used
	}
	return set, nil
}

// read reads all sources. The findings name those that can't be read, and those
// that have had files and are empty now, because somebody emptied a folder or
// it isn't mounted.
func (r *reloader) read(ctx context.Context) (all cli.Sources, wrong []pinsetter.Finding) {
	for _, alone := range apart(r.app) {
		name := alone.Sources()
		alone.In = bytes.NewReader(r.stdin)
		found := alone.Read(ctx)
		for _, u := range found.Unread {
			wrong = append(wrong, u.Finding())
		}
		if len(found.Unread) == 0 && len(found.Files) == 0 && r.filled[name] {
			wrong = append(wrong, pinsetter.Finding{
				Severity: pinsetter.Error, Code: config.CodeEmptySource, Path: name,
				Message: fmt.Sprintf("there are no objects any more in %s: if that is meant, start without it", name),
			})
		}
		r.filled[name] = r.filled[name] || len(found.Files) > 0
		all.Files = append(all.Files, found.Files...)
		all.Unread = append(all.Unread, found.Unread...)
		all.Named = append(all.Named, found.Named...)
	}
	r.app.Progress.Done()
	return all, wrong
}

// apart returns a copy of the program for each source alone.
func apart(a *cli.App) []*cli.App {
	if len(a.Filenames)+len(a.Kustomize) == 0 {
		return []*cli.App{a}
	}
	var all []*cli.App
	for _, name := range a.Filenames {
		alone := *a
		alone.Filenames, alone.Kustomize = []string{name}, nil
		all = append(all, &alone)
	}
	for _, dir := range a.Kustomize {
		alone := *a
		alone.Filenames, alone.Kustomize = nil, []string{dir}
		all = append(all, &alone)
	}
	return all
}

// watch passes a new set to use whenever the sources have changed, until ctx
// ends. It doesn't use a set with errors that the set in use lacks, or a
// reading that failed as a whole. It logs that once, and passes it to complain
// until it is over.
func (r *reloader) watch(ctx context.Context, every time.Duration, use func(*fleet.Set), complain func([]pinsetter.Finding)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r.look(ctx, use, complain)
	}
}

func (r *reloader) look(ctx context.Context, use func(*fleet.Set), complain func([]pinsetter.Finding)) {
	read, wrong := r.read(ctx)
	if ctx.Err() != nil {
		return
	}
	if len(wrong) > 0 {
		if r.seen != ([sha256.Size]byte{}) || !r.refused {
			if _, wrong = r.later(ctx); len(wrong) == 0 || ctx.Err() != nil {
				return // somebody is writing now
			}
			r.sayRefused("the objects can't be read again; those of before are used", wrong)
		}
		r.seen = [sha256.Size]byte{}
		complain(wrong)
		return
	}
	seen := r.fingerprint(read.Files)
	changed := seen != r.seen
	if changed && seen != r.used && !r.settled(ctx, seen) {
		return // somebody is writing now; look again next time
	}
	r.seen = seen
	switch {
	case seen == r.used && r.refused:
		r.refused = false
		r.app.Log.Info("the objects are those again that are used")
		complain(nil)
		return
	case seen == r.used, !changed:
		return
	}
	set, err := r.app.LoadFrom(read)
	if err != nil {
		set = &fleet.Set{}
	}
	if broken := r.broken(set); len(broken) > 0 {
		r.sayRefused("an edit is broken, and not taken up; the objects of before are used", broken)
		complain(broken)
		return
	}
	r.app.Log.Info("the objects have changed", "automations", len(set.Automations), "policies", len(set.Policies))
	r.bad, r.used, r.refused = errorsOf(set), seen, false
	use(set)
}

// settling is how long sources must stay the same before they are used or
// complained about: a file may be half written, and a folder half checked out.
const settling = time.Second

// settled reports whether another reading after a while gives the same.
func (r *reloader) settled(ctx context.Context, seen [sha256.Size]byte) bool {
	read, wrong := r.later(ctx)
	return ctx.Err() == nil && len(wrong) == 0 && r.fingerprint(read.Files) == seen
}

// later reads all sources after a while. It returns nothing if ctx ends first.
func (r *reloader) later(ctx context.Context) (cli.Sources, []pinsetter.Finding) {
	timer := time.NewTimer(settling)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return cli.Sources{}, nil
	case <-timer.C:
	}
	return r.read(ctx)
}

func (r *reloader) sayRefused(what string, why []pinsetter.Finding) {
	r.refused = true
	for _, f := range why {
		r.app.Log.Error(what, "finding", f.String())
	}
}

// broken returns the errors of a set that the set in use lacks, regardless of
// their lines. A set without any object is broken: somebody emptied a folder,
// or it isn't mounted.
func (r *reloader) broken(set *fleet.Set) []pinsetter.Finding {
	var broken []pinsetter.Finding
	for _, f := range set.Findings {
		if f.Severity == pinsetter.Error && !r.bad[withoutLine(f)] {
			broken = append(broken, f)
		}
	}
	if len(set.Automations)+len(set.Policies)+len(set.Repositories) == 0 && len(broken) == 0 {
		broken = append(broken, pinsetter.Finding{Severity: pinsetter.Error, Code: "missing-object", Path: r.app.Sources(), Message: "there are no objects any more"})
	}
	return broken
}

// errorsOf returns the errors of a set, without their lines.
func errorsOf(set *fleet.Set) map[pinsetter.Finding]bool {
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

// fingerprint returns a hash of the files, and of the content of folders with
// mounted Secrets.
func (r *reloader) fingerprint(files []source.File) [sha256.Size]byte {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%q %d\n", f.Path, len(f.Data))
		h.Write(f.Data)
	}
	for _, dir := range r.app.Secrets {
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

// maxSecret bounds the bytes read of a mounted Secret's key.
const maxSecret = 1 << 20

func addFile(h hash.Hash, path string) {
	f, err := os.Open(path)
	if err != nil {
		return // loading reports it
	}
	defer func() { _ = f.Close() }()
	_, _ = io.Copy(h, io.LimitReader(f, maxSecret)) // loading reports it
}
