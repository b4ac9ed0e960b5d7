package registry

import (
	"context"
	"fmt"
	"time"
)

const (
	// askTimeout bounds a ping or token request that several callers share.
	// Each caller also has a deadline of its own, usually a shorter one.
	askTimeout = 2 * time.Minute

	// failureMemory is how long a failure is remembered: a host that is down
	// costs one attempt, not one for each of its images.
	failureMemory = 30 * time.Second
)

// memory is an answer and its expiry.
type memory struct {
	value any
	err   error
	until time.Time
}

// once returns ask's answer for the key, remembered or new. Concurrent callers
// share one call of ask. The call goes on if a caller's ctx ends, since others
// may be waiting; that caller gets its ctx's error. Ask also returns the time
// until which its answer is valid. What describes the call for people.
func once[T any](ctx context.Context, r *Registry, key, what string, ask func(context.Context) (T, time.Time, error)) (T, error) {
	var none T
	if m, ok := r.remembers(key); ok {
		return as[T](m)
	}
	answer := r.flights.DoChan(key, func() (any, error) {
		if m, ok := r.remembers(key); ok {
			return m, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
		value, until, err := ask(ctx)
		if err != nil {
			until = r.options.Now().Add(failureMemory)
		}
		m := memory{value, err, until}
		r.remember(key, m)
		return m, nil
	})
	select {
	case result := <-answer:
		return as[T](result.Val.(memory))
	case <-ctx.Done():
		return none, fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
	}
}

func as[T any](m memory) (T, error) {
	value, _ := m.value.(T)
	return value, m.err
}

func (r *Registry) remembers(key string) (memory, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.remembered[key]
	return m, ok && r.options.Now().Before(m.until)
}

// remember stores the answer. From time to time it drops expired ones.
func (r *Registry) remember(key string, m memory) {
	now := r.options.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remembered[key] = m
	if len(r.remembered)%1024 != 0 {
		return
	}
	for key, m := range r.remembered {
		if now.After(m.until) {
			delete(r.remembered, key)
		}
	}
}

// forget drops the answer, so that the next caller asks again.
func (r *Registry) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.remembered, key)
}
