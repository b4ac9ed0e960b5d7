package adopting

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
)

// askIndexes asks for the versions of charts. Those that no ChartRepository follows
// are asked for as the one would that is proposed, so that what it lacks, such as a
// Secret of its HelmRepository, is known before it is written.
func (i *initiation) askIndexes(asking *asking) error {
	var objects []adopt.Object
	indexes := adopt.Indexes(i.files)
	for n, index := range indexes {
		if i.there.access[adopt.IndexKey(index.Image)] == nil {
			objects = append(objects, adopt.ChartRepository(i.trial(n), index))
		}
	}
	trial := &fleet.Set{}
	if len(objects) > 0 {
		file, err := adopt.Render(objects)
		if err != nil {
			return err
		}
		trial = config.Load(append(slices.Clip(i.there.files), source.File{Path: i.policies, Source: i.policies, Data: file}), i.app.Loading())
	}
	for n, index := range indexes {
		key := adopt.IndexKey(index.Image)
		object := i.there.access[key]
		if object == nil {
			object = repositoryOf(trial, i.trial(n))
		}
		asking.startIndex(key, object)
	}
	return nil
}

// trial returns the name of a ChartRepository that is never written.
func (i *initiation) trial(n int) pinsetter.Name {
	return pinsetter.Name{Namespace: i.there.namespace, Name: fmt.Sprintf("init-trial-%d", n)}
}

// repositoryOf returns the object of that name, with Err for all that was found.
func repositoryOf(set *fleet.Set, name pinsetter.Name) *fleet.Repository {
	for _, r := range set.Repositories {
		if r.Name == name && r.Index != nil {
			for _, f := range set.Findings {
				if f.Object.Name == name.Name && f.Object.Namespace == name.Namespace && f.Severity == pinsetter.Error {
					message := strings.TrimPrefix(f.Message, fmt.Sprintf("ChartRepository %s: ", name)) // nobody knows it
					r.Err = errors.New(strings.TrimPrefix(message, "spec.sourceRef.name: "))
					break
				}
			}
			return r
		}
	}
	return &fleet.Repository{Name: name, Err: errors.New("its ChartRepository can't be made")}
}

// startIndex asks for the versions of a chart. It doesn't wait.
func (q *asking) startIndex(key string, object *fleet.Repository) {
	q.ask(key, func() (*fleet.Repository, adopt.Listing) {
		if object.Err != nil {
			return object, adopt.Listing{Canonical: key, Err: object.Err}
		}
		listing, err := q.scanner.Scan(q.ctx, object)
		switch {
		case err == nil:
			return object, adopt.Listing{Canonical: key, Tags: listing.Tags}
		case errors.Is(err, registry.ErrNotFound):
			err = errors.New("the index of its HelmRepository doesn't have it")
		default:
			q.fail(err)
			err = fmt.Errorf("the index of its HelmRepository could not be read: %w", err)
		}
		return object, adopt.Listing{Canonical: key, Err: err}
	})
}
