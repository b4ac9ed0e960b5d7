package bot

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/lint"
	"github.com/pinsetter/pinsetter/setters"
)

// The marked files that are decided before those that move are written, which bounds the
// memory that they take: their number, and the bytes of their notes.
const (
	rewriteAtOnce = 128
	rewriteNotes  = 256 << 10
)

// atOnce returns how many of some files, at least one, are decided at once.
func atOnce(files []folder.Marked) int {
	size := 0
	for i, file := range files {
		if size += file.Size; i > 0 && (i == rewriteAtOnce || size > rewriteNotes) {
			return i
		}
	}
	return len(files)
}

// rewriting is the work of one Set.
type rewriting struct {
	c      *cycle
	folder *folder.Folder
	result *Rewritten

	mu    sync.Mutex // guards asked once files are written in parallel
	asked inquiries
}

// movingFile is a file to write.
type movingFile struct {
	file  folder.Marked
	takes map[int]pinsetter.Image // by site

	changes []pinsetter.Change
	err     error
}

// files decides the sites of files, and replaces those in which one moves: in parallel,
// each worker files that stand together. The result is in the order of the files.
func (w *rewriting) files(ctx context.Context, files []folder.Marked) {
	var move []movingFile
	for _, file := range files {
		if takes, err := w.decide(ctx, file); err != nil {
			w.result.fail(err)
		} else if takes != nil {
			move = append(move, movingFile{file: file, takes: takes})
		}
	}
	if len(move) == 0 {
		return
	}
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var group sync.WaitGroup
	share := (len(move) + workers - 1) / workers
	for i := 0; i*share < len(move); i++ {
		group.Go(func() {
			e := w.folder.Edit()
			for j := i * share; j < min(len(move), (i+1)*share); j++ {
				m := &move[j]
				m.changes, m.err = w.write(ctx, e, m)
			}
			errs[i] = e.Close()
		})
	}
	group.Wait()
	for _, m := range move {
		w.result.fail(m.err)
		w.result.Changes = append(w.result.Changes, m.changes...)
	}
	for _, err := range errs {
		w.result.fail(err)
	}
}

// decide returns the images that the sites of a file take, nil if none of them moves.
func (w *rewriting) decide(ctx context.Context, file folder.Marked) (map[int]pinsetter.Image, error) {
	shown, err := file.Found()
	if err != nil {
		return nil, err
	}
	c, r := w.c, w.result
	r.Findings = append(r.Findings, shown.Findings...)
	moves := false
	takes := map[int]pinsetter.Image{}
	for i, site := range shown.Sites {
		d := w.place(ctx, site)
		if d.Hold != nil {
			r.Held = append(r.Held, *d.Hold)
		}
		if d.Err != nil {
			r.fail(d.Err)
		}
		if policy := c.set.Policy(site.Policy); policy == nil {
			r.Findings = append(r.Findings, lint.UnknownPolicy(c.set, site))
		} else {
			r.Findings = append(r.Findings, lint.Replaced(site, policy)...)
		}
		if d.Takes.Tag != "" {
			takes[i] = d.Takes
			moves = moves || !shows(site, d.Takes)
		}
	}
	if !moves {
		return nil, nil
	}
	return takes, nil
}

// write replaces a file, and returns its changes. If the file isn't what it was when it
// was decided, its sites are decided again.
func (w *rewriting) write(ctx context.Context, e *folder.Editor, m *movingFile) ([]pinsetter.Change, error) {
	data, err := e.Read(m.file.Path)
	if err != nil {
		return nil, err
	}
	var replaced []byte
	var changes []pinsetter.Change
	found, same := m.file.FoundIn(data)
	if same {
		replaced, changes, err = found.Apply(m.takes)
	}
	if !same || errors.Is(err, setters.ErrNote) {
		replaced, changes, err = w.again(ctx, m.file.Path, data)
	}
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	if err := e.Replace(m.file.Path, data, replaced); err != nil {
		return nil, err
	}
	return changes, nil
}

// again decides a file that has changed meanwhile. Holds and failures are not added
// again: those of the file that was read first are in the result.
func (w *rewriting) again(ctx context.Context, path string, data []byte) ([]byte, []pinsetter.Change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found := setters.Find(path, data)
	takes := map[int]pinsetter.Image{}
	for i, site := range found.Sites {
		if d := w.place(ctx, site); d.Takes.Tag != "" {
			takes[i] = d.Takes
		}
	}
	return found.Apply(takes)
}
