package bot

import (
	"context"
	"sync"
	"time"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/scanner"
	"github.com/pinsetter/pinsetter/store"
)

// facts is what the ledger and the registry know about the tags of one image:
// package gate asks it. What was answered once in a cycle is answered alike.
type facts struct {
	ledger  *store.Ledger
	scanner *scanner.Scanner
	repo    *config.Repository
	image   string // canonical
	now     time.Time

	mu     sync.Mutex
	sights map[string]store.Sight // by tag
}

// Seen implements gate.Facts.
func (f *facts) Seen(ctx context.Context, tag string) (gate.Sight, error) {
	f.mu.Lock()
	sight, known := f.sights[tag]
	f.mu.Unlock()
	if !known {
		found, err := f.ledger.Seen(ctx, []store.Tag{f.key(tag)})
		if err != nil {
			return gate.Sight{}, err
		}
		sight = found[f.key(tag)]
		f.remember(map[store.Tag]store.Sight{f.key(tag): sight})
	}
	return gate.Sight{Since: sight.Since(), Digest: sight.Digest, Previous: sight.Previous}, nil
}

// Digest implements gate.Facts.
func (f *facts) Digest(ctx context.Context, tag string) (string, error) {
	digest, err := f.scanner.Digest(ctx, f.repo, tag)
	if err != nil {
		return "", err
	}
	sights, err := f.ledger.See(ctx, f.now, []store.Observation{{Tag: f.key(tag), Digest: digest}})
	if err != nil {
		return "", err
	}
	f.remember(sights)
	return digest, nil
}

// Content implements gate.Facts.
func (f *facts) Content(ctx context.Context, _, digest string) (gate.Content, error) {
	learnt, err := f.ledger.Facts(ctx, []string{digest})
	if err != nil {
		return gate.Content{}, err
	}
	if fact, known := learnt[digest]; known {
		return gate.Content(fact), nil
	}
	content, err := f.scanner.Content(ctx, f.repo, digest)
	if err != nil {
		return gate.Content{}, err
	}
	err = f.ledger.PutFacts(ctx, f.now, map[string]store.Fact{digest: store.Fact(content)})
	return gate.Content(content), err
}

func (f *facts) key(tag string) store.Tag { return store.Tag{Image: f.image, Tag: tag} }

// remember keeps what the ledger answered.
func (f *facts) remember(sights map[store.Tag]store.Sight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for tag, sight := range sights {
		if tag.Image == f.image {
			f.sights[tag.Tag] = sight
		}
	}
}
