package server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// checksAtOnce bounds the processors used for checking passwords.
const checksAtOnce = 2

// door lets in clients with a password from a file.
type door struct {
	users    *watchedFiles[users]
	attempts attempts
	checking chan struct{} // a slot for each concurrent check
	now      func() time.Time
	log      *slog.Logger

	// known has a MAC of each user's last correct password, so that a page
	// doesn't cost a bcrypt. The key belongs to this process. The MAC covers
	// the hash, so a changed password isn't known any more.
	mu    sync.Mutex
	key   []byte
	known map[string][]byte
}

func newDoor(path string, now func() time.Time, log *slog.Logger) (*door, error) {
	file, err := reread([]string{path}, log, func(files [][]byte) (users, error) { return parseUsers(files[0]) })
	if err != nil {
		return nil, err
	}
	d := &door{
		users: file, now: now, log: log,
		checking: make(chan struct{}, checksAtOnce),
		key:      make([]byte, sha256.Size), known: map[string][]byte{},
	}
	_, _ = rand.Read(d.key) // never fails: crypto/rand
	return d, nil
}

// guard passes requests with a correct password to next, and answers others
// itself.
func (d *door) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, given := r.BasicAuth()
		status := http.StatusUnauthorized
		if given {
			status = d.admit(r.Context(), client(r), name, password)
		}
		switch status {
		case http.StatusOK:
			next.ServeHTTP(w, r)
		case http.StatusTooManyRequests:
			w.Header().Set("Retry-After", "60")
			http.Error(w, "too many wrong passwords: wait a minute", status)
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="pinsetter", charset="UTF-8"`)
			http.Error(w, "a name and a password of --auth-file are needed", status)
		}
	})
}

// admit returns the status for a client that claims to be name: 200, 401 or
// 429. An unknown name takes as long as a wrong password.
func (d *door) admit(ctx context.Context, from, name, password string) int {
	users := d.users.now()
	hash, there := users.hashes[name]
	if there && d.knows(name, hash, password) {
		return http.StatusOK
	}
	if !d.attempts.take(d.now(), from) {
		return http.StatusTooManyRequests
	}
	select {
	case d.checking <- struct{}{}:
		defer func() { <-d.checking }()
	case <-ctx.Done():
		return http.StatusUnauthorized
	}
	if !there {
		hash = users.decoy
	}
	right := bcrypt.CompareHashAndPassword(hash, []byte(password)) == nil
	if !there || !right {
		d.log.Warn("a wrong name or password", "client", from)
		return http.StatusUnauthorized
	}
	d.attempts.giveBack(from)
	d.learn(name, hash, password)
	return http.StatusOK
}

func (d *door) knows(name string, hash []byte, password string) bool {
	d.mu.Lock()
	known := d.known[name]
	d.mu.Unlock()
	return hmac.Equal(known, d.mac(hash, password))
}

func (d *door) learn(name string, hash []byte, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[name] = d.mac(hash, password)
}

// mac returns a MAC of a hash and a password; a bcrypt hash contains no NUL.
func (d *door) mac(hash []byte, password string) []byte {
	m := hmac.New(sha256.New, d.key)
	m.Write(hash)
	m.Write([]byte{0})
	m.Write([]byte(password))
	return m.Sum(nil)
}
