package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// question is what a memo is asked. Equal keys are one question.
type question struct {
	key     string
	what    string // for people, where their ctx ends
	timeout time.Duration
}

// memo remembers one answer a key, a failure too. Callers that come while a
// question is out wait for its answer. The zero memo is empty; it is safe for
// concurrent use.
type memo[V any] struct {
	mu      sync.Mutex
	entries map[string]*entry[V]
}

// entry is a question and, once done is closed, its answer.
type entry[V any] struct {
	done    chan struct{}
	value   V
	err     error
	timeout time.Duration // what the question was given
	waiting int           // callers who want the answer
	cancel  context.CancelFunc
}

// get returns the remembered answer for the key, else what ask returns. The
// question ends early only when the ctx of all who wait for it have ended; then
// nothing is remembered. Where it ran out of time and the caller has a longer
// timeout, it is asked again. A caller whose ctx ends gets its error.
func (m *memo[V]) get(ctx context.Context, q question, ask func(context.Context) (V, error)) (V, error) {
	e := m.join(ctx, q, ask)
	select {
	case <-e.done:
		m.leave(q.key, e)
		return e.value, e.err
	case <-ctx.Done():
		m.leave(q.key, e)
		var none V
		return none, fmt.Errorf("%s: %w", q.what, context.Cause(ctx))
	}
}

// forget drops the answer for a key, if there is one and it is of that kind. A
// failure stays.
func (m *memo[V]) forget(key string, is func(V) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.entries[key]
	if !ok {
		return
	}
	select {
	case <-e.done:
		if e.err == nil && is(e.value) {
			delete(m.entries, key)
		}
	default:
	}
}

// join returns the entry of the key, with the caller among those who wait.
func (m *memo[V]) join(ctx context.Context, q question, ask func(context.Context) (V, error)) *entry[V] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[q.key]; ok && !e.ranOut(q.timeout) {
		e.waiting++
		return e
	}
	if m.entries == nil {
		m.entries = map[string]*entry[V]{}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e := &entry[V]{done: make(chan struct{}), timeout: q.timeout, waiting: 1, cancel: cancel}
	m.entries[q.key] = e
	go func() {
		defer close(e.done)
		defer cancel()
		e.value, e.err = ask(ctx)
	}()
	return e
}

// ranOut reports whether the answer is that a timeout shorter than this passed.
func (e *entry[V]) ranOut(timeout time.Duration) bool {
	select {
	case <-e.done:
		return timeout > e.timeout && errors.Is(e.err, context.DeadlineExceeded)
	default:
		return false
	}
}

// leave takes the caller from those who wait. A question that nobody waits for
// any more is given up and forgotten.
func (m *memo[V]) leave(key string, e *entry[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.waiting--
	select {
	case <-e.done:
		return
	default:
	}
	if e.waiting > 0 {
		return
	}
	e.cancel()
	if m.entries[key] == e {
		delete(m.entries, key)
	}
}
