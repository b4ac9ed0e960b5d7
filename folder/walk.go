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

// batch is how many files of one directory a worker takes at a time, so that a
// flat directory keeps all of them busy.
const batch = 64

// Options say which files are handed on. The zero Options hand on all.
type Options struct {
	Want    func(name string) bool // by a file's name, without its directory; nil: all
	Screen  func(data []byte) bool // by its content; nil: all
	MaxSize int64                  // bytes above which a wanted file is an error; 0: the package's MaxSize
}

// Each calls do for every regular file below the folder that the options let
// pass, in parallel, and returns what do said to keep, sorted by path. Paths are
// relative to the folder, with slashes. Data is do's only until it returns: the
// buffer is used again. Directories named ".git" are left out; symbolic links
// and special files are passed over.
//
// A file or directory that can't be read is left out and the others go on: the
// error joins a *FileError for each, sorted by path, and what was kept comes with it.
// When ctx ends, the error is its cause.
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
	file    func(path string, data []byte) // called in parallel

	mu     sync.Mutex
	wake   *sync.Cond
	tasks  []task // a stack: depth first keeps few directories open
	open   int    // tasks that are waiting or being done
	ended  bool   // ctx is over
	failed []failure
}

// task is a part of the work: a directory to open and list, or files to read.
type task struct {
	dir   *directory // that the names are in; the task's use of it
	child string     // the directory to list
	files []string   // the files to read; nil for a task with a child
}

// failure is what could not be read.
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

// run walks until every task is done or ctx ends, and returns the cause of the
// latter.
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
	for _, t := range w.tasks { // left over when ctx ended
		t.dir.done()
	}
	return context.Cause(ctx)
}

// work does tasks until none is left.
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

// take waits for a task; false when there will be none.
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

// fail notes what can't be read.
func (w *walk) fail(path string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, failure{path, err})
}

// failures returns what could not be read as one error, sorted by path; nil
// where everything could.
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
	case errors.Is(err, os.ErrNotExist): // gone since it was listed
	case err != nil:
		w.fail(t.dir.below(t.child), err)
	default:
		w.list(newDirectory(h, t.dir.below(t.child)))
	}
}

// list adds the tasks of a directory, whose first use it ends.
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

// read reads files and hands on those that pass the screen.
func (w *walk) read(t task, buffer *[]byte) {
	for _, name := range t.files {
		data, err := t.dir.read(name, buffer, w.options.MaxSize)
		switch {
		case errors.Is(err, os.ErrNotExist): // gone since it was listed
		case err != nil:
			w.fail(t.dir.below(name), err)
		case w.options.Screen == nil || w.options.Screen(data):
			w.file(t.dir.below(name), data)
		}
	}
}
