package gitops

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git/wire"
)

// Look is a server's refs at one moment, for several fetches: the first one
// asks for the refs that all of them need. It is safe for concurrent use.
//
// It lasts for some seconds. Forget it once any of the refs may have moved. A
// push compares and swaps in any case.
type Look struct {
	remote   *Remote
	prefixes []string // of the refs that are asked for

	mu      sync.Mutex
	at      time.Time      // when the server was asked
	adv     *packp.AdvRefs // nil: it wasn't; read-only
	dialect wire.Dialect
}

// lookLasts bounds how old refs are that a fetch takes from a look.
const lookLasts = 30 * time.Second

// Read is the arguments of a Fetch.
type Read struct {
	Base fleet.GitRef
	Push []string
}

// Look returns a look for these fetches. It sends no request yet.
func (r *Remote) Look(reads []Read) *Look {
	l := &Look{remote: r}
	for _, read := range reads {
		l.prefixes = append(l.prefixes, prefixes(read.Base, read.Push)...)
	}
	slices.Sort(l.prefixes)
	l.prefixes = slices.Compact(l.prefixes)
	return l
}

// Fetch is Remote.Fetch by the refs of the look. It asks for other refs itself.
func (l *Look) Fetch(ctx context.Context, base fleet.GitRef, push ...string) (*Fetched, error) {
	return l.remote.fetchBy(ctx, l.converse, base, push)
}

// Forget has the next fetch ask again.
func (l *Look) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adv = nil
}

// converse is Remote.converse by the refs of the look. The session begins when
// objects are asked for.
func (l *Look) converse(ctx context.Context, prefixes ...string) (*conversation, error) {
	if slices.ContainsFunc(prefixes, func(prefix string) bool { return !l.covers(prefix) }) {
		return l.remote.converse(ctx, prefixes...)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.adv != nil && time.Since(l.at) < lookLasts {
		c := &conversation{remote: l.remote, adv: l.adv, dialect: l.dialect}
		c.dialect.Prefixes = prefixes
		return c, nil
	}
	l.at = time.Now()
	c, err := l.remote.converse(ctx, l.prefixes...)
	if err == nil {
		l.adv, l.dialect = c.adv, c.dialect
	}
	return c, err
}

// covers reports whether the refs with a prefix are among those of the look.
func (l *Look) covers(prefix string) bool {
	return slices.ContainsFunc(l.prefixes, func(asked string) bool { return strings.HasPrefix(prefix, asked) })
}
