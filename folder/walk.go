package folder

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
)

// batch is the number of files of one directory in a task, so that a flat
// directory keeps all workers busy.
const batch = 64

// Options select files. The zero Options select all.
type Options struct {
	Want    func(name string) bool // by name, without the directory; nil: all
	Screen  func(data []byte) bool // by content; nil: all
	MaxSize int64                  // larger wanted files are errors; 0: the package's MaxSize
}

// Each calls do for every regular file below the folder that the options
// select, in parallel. It returns the results that do wants to keep, sorted by
// path. Paths are relative to the folder, with slashes. Data is valid only
// during the call of do, since the buffer is reused. Each skips directories
// named ".git", symbolic links and special files.
//
// A file or directory that can't be read doesn't stop the others: the results
// come with an error that joins a *FileError for each, sorted by path. If ctx
// ends, the error is its cause.
func Each[T any](ctx context.Context, f *Folder, o Options, do func(path string, data []byte) (T, bool)) ([]T, error) {
	type result struct {
		path  string
		value T
	}
	var mu sync.Mutex
	var results []result
	w := newWalk(f, o)
	w.file = func(path string, data []byte) {
		value, keep := do(path, data)
		if !keep {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		results = append(results, result{path, value})
	}
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.path, b.path) })
	kept := make([]T, len(results))
	for i, r := range results {
		kept[i] = r.value
	}
	return kept, w.failures()
}

// walk is one pass over a folder.
type walk struct {
	folder  *Folder
	options Options
	file    func(path string, data []byte) // called concurrently

	mu     sync.Mutex
	wake   *sync.Cond
	tasks  []task // a stack: depth first keeps few directories open
	open   int    // number of waiting and running tasks
	ended  bool   // ctx has ended
	failed []failure
}

// task is a unit of work: a directory to open and list, or files to read.
type task struct {
	dir   *directory // the directory of the names; the task holds a use of it
	child string     // the directory to list
	files []string   // the files to read; nil for a task with a child
}

// failure is a path that could not be read, and why.
type failure struct {
	path string
	err  error
}

func newWalk(f *Folder, o Options) *walk {
	if o.MaxSize == 0 {
		o.MaxSize = MaxSize
	}
	w := &walk{folder: f, options: o}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// run walks until every task is done or ctx ends. In the latter case it returns
// the cause.
func (w *walk) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = true
		w.wake.Broadcast()
	})
	defer stop()
	var workers sync.WaitGroup
	if err := w.start(); err != nil {
		return err
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(w.work)
	}
	workers.Wait()
	for _, t := range w.tasks { // left when ctx ended
		t.dir.done()
	}
	return context.Cause(ctx)
}

// work runs tasks until there are no more.
func (w *walk) work() {
	var buffer []byte
	for {
		t, ok := w.take()
		if !ok {
			return
		}
		if t.child != "" {
			w.descend(t)
		} else {
			w.read(t, &buffer)
		}
		t.dir.done()
		w.finish()
	}
}

// take waits for a task. It returns false if there will be no more.
func (w *walk) take() (task, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.tasks) == 0 && w.open > 0 && !w.ended {
		w.wake.Wait()
	}
	if len(w.tasks) == 0 || w.ended {
		return task{}, false
	}
	t := w.tasks[len(w.tasks)-1]
	w.tasks = w.tasks[:len(w.tasks)-1]
	return t, true
}

// add puts tasks on the stack.
func (w *walk) add(tasks []task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tasks = append(w.tasks, tasks...)
	w.open += len(tasks)
	w.wake.Broadcast()
}

// finish counts a task as done.
func (w *walk) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	if w.open == 0 {
		w.wake.Broadcast()
	}
}

// fail records an error about a path.
func (w *walk) fail(path string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, failure{path, err})
}

// failures returns all recorded errors as one, sorted by path, or nil.
func (w *walk) failures() error {
	slices.SortFunc(w.failed, func(a, b failure) int { return cmp.Compare(a.path, b.path) })
	var errs []error
	for _, failure := range w.failed {
		errs = append(errs, &FileError{failure.path, w.folder.wrap("read", failure.path, failure.err)})
	}
	return errors.Join(errs...)
}

// start adds the tasks of the folder itself.
func (w *walk) start() error {
	h, err := newHandle(w.folder.root)
	if err != nil {
		return w.folder.wrap("read", "", err)
	}
	w.list(newDirectory(h, ""))
	return nil
}

// descend opens a directory and adds its tasks.
func (w *walk) descend(t task) {
	h, err := t.dir.open(t.child)
	switch {
	case errors.Is(err, os.ErrNotExist): // deleted since it was listed
	case err != nil:
		w.fail(t.dir.below(t.child), err)
	default:
		w.list(newDirectory(h, t.dir.below(t.child)))
	}
}

// list adds the tasks of a directory, and ends its first use.
func (w *walk) list(d *directory) {
	defer d.done()
	files, dirs, err := d.entries(w.options.Want)
	if err != nil {
		w.fail(d.path, err)
	}
	var tasks []task
	for _, name := range dirs {
		tasks = append(tasks, task{dir: d.use(), child: name})
	}
	for part := range slices.Chunk(files, batch) {
		tasks = append(tasks, task{dir: d.use(), files: part})
	}
	w.add(tasks)
}

// read reads files and passes those that the screen accepts on.
func (w *walk) read(t task, buffer *[]byte) {
	for _, name := range t.files {
		data, err := t.dir.read(name, buffer, w.options.MaxSize)
		switch {
		case errors.Is(err, os.ErrNotExist): // deleted since it was listed
		case err != nil:
			w.fail(t.dir.below(name), err)
		case w.options.Screen == nil || w.options.Screen(data):
			w.file(t.dir.below(name), data)
		}
	}
}
