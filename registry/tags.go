package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pinsetter/pinsetter/taglist"
)

// Tags lists all tags of the image. The error wraps ErrEmpty if the image has
// no usable tag, and ErrNotFound if the registry doesn't know the image. A list
// that can't be read to its end is an error, never a shorter list.
func (p *Repository) Tags(ctx context.Context) (taglist.Listing, error) { return p.TagsIn(ctx, nil) }

// TagsIn does what Tags does, for a listing that takes memory of room.
func (p *Repository) TagsIn(ctx context.Context, room *taglist.Room) (taglist.Listing, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	r, host := p.registry, p.registry.host(p.name.RegistryStr())
	found, err := r.lists.List(ctx, p.Key(), tagSource{p, host.limit}, &host.pages, room, r.options.Now)
	if err != nil {
		return taglist.Listing{}, fmt.Errorf("list tags of %s: %w", p.name, p.told(err))
	}
	return found, nil
}

// Kept returns the last listing that Tags returned for this image and access
// (Key), and the time of the answer. It returns false if the Registry remembers
// none: see Options.Keep.
func (p *Repository) Kept() (listing taglist.Listing, at time.Time, ok bool) {
	return p.registry.lists.Last(p.Key())
}

// Forget drops the listing that Kept returns.
func (p *Repository) Forget() { p.registry.lists.Forget(p.Key()) }

// tagSource is the taglist.Source of a repository.
type tagSource struct {
	repository *Repository
	limit      *limit
}

func (s tagSource) First(ctx context.Context, n int, read func(*http.Response) error) error {
	path := "tags/list"
	if n > 0 {
		path += "?n=" + strconv.Itoa(n)
	}
	return s.get(ctx, s.repository.at(path), read)
}

// Next returns no ErrNotFound: the page before shows that the image exists.
func (s tagSource) Next(ctx context.Context, u string, read func(*http.Response) error) error {
	err := s.get(ctx, func(string) string { return u }, read)
	var refused *taglist.StatusError
	switch {
	case !errors.Is(err, ErrNotFound):
		return err
	case errors.As(err, &refused):
		return &taglist.StatusError{Status: refused.Status, Err: errors.New(err.Error())}
	}
	return errors.New(err.Error())
}

func (s tagSource) get(ctx context.Context, u func(origin string) string, read func(*http.Response) error) error {
	p := s.repository
	_, err := unbroken(ctx, p.registry.options, func() (struct{}, error) {
		response, with, err := p.send(ctx, http.MethodGet, u, "application/json")
		if err != nil {
			return struct{}{}, err
		}
		defer discard(response)
		if response.StatusCode != http.StatusOK {
			status := response.StatusCode
			return struct{}{}, &taglist.StatusError{Status: status, Err: p.statusError(response, with)}
		}
		return struct{}{}, read(response)
	})
	return err
}

func (s tagSource) Free() int                    { return s.limit.free() }
func (s tagSource) Most() int                    { return cap(s.limit.slots) }
func (s tagSource) Registry() string             { return s.repository.name.RegistryStr() }
func (s tagSource) Clean(text string) string     { return s.repository.secrets.Text(text) }
func (s tagSource) Beginning(body string) string { return s.repository.beginning(body) }
