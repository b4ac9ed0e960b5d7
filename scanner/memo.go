package scanner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// question is a call to remember. Questions with equal keys are the same.
type question struct {
	key     string
	what    string // for people, if their ctx ends
	timeout time.Duration
}

// memo remembers one answer for each key, also a failure. Callers that come
// while a call is running wait for its answer. The zero memo is ready for use;
// it is safe for concurrent use.
type memo[V any] struct {
	mu      sync.Mutex
	entries map[string]*entry[V]
}

// entry is a question and, once done is closed, its answer.
type entry[V any] struct {
	done    chan struct{}
	value   V
	err     error
	timeout time.Duration      // timeout that the call was given
	waiting int                // number of callers that wait for the answer
	cancel  context.CancelFunc // nil once done is closed
}

// get returns the remembered answer for the key, or calls ask. The call ends
// early only if the ctx of all waiting callers has ended; then nothing is
// remembered. If it timed out and the caller has a longer timeout, get asks
// again. A caller whose ctx ends gets its ctx's error.
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

// forget drops the answer for a key if is returns true for it. A failure stays.
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

// join returns the entry of the key and counts the caller as waiting.
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
		defer cancel()
		e.value, e.err = ask(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		e.cancel = nil // and with it the context
		close(e.done)
	}()
	return e
}

// ranOut reports whether the call failed because a shorter timeout passed.
func (e *entry[V]) ranOut(timeout time.Duration) bool {
	select {
	case <-e.done:
		return timeout > e.timeout && errors.Is(e.err, context.DeadlineExceeded)
	default:
		return false
	}
}

// leave stops counting the caller as waiting. A call that nobody waits for is
// cancelled and forgotten.
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
