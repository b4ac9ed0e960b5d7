package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/taglist"
)

// TestTagsInRoom: lists that are held at once have a bound together. One that has no
// room fails and takes none, and small ones always have some.
func TestTagsInRoom(t *testing.T) {
	server := parts.NewRegistry(t, parts.RegistryOptions{})
	large := make([]string, 4_000) // about 100 KiB, and 64 KiB of headers
	for i := range large {
		large[i] = fmt.Sprintf("1.0.0-%015d", i)
	}
	for _, name := range []string{"a", "b", "c"} {
		server.SetTags(name, large...)
	}
	server.SetTags("small", "1.0.0")
	room := taglist.NewRoom(150 << 10)
	r := registry.New(quick(registry.Options{Anonymous: true, Keep: 1 << 20}))
	list := func(name string, room *taglist.Room) error {
		t.Helper()
		repository, err := r.Repository(server.Image(name), registry.Access{Insecure: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = repository.TagsIn(t.Context(), room)
		return err
	}
	if err := list("a", room); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := list("b", room); err == nil || !strings.Contains(err.Error(), "raise GOMEMLIMIT") {
			t.Errorf("there is no room, and it says %v", err)
		}
	}
	if err := list("small", room); err != nil {
		t.Error(err)
	}
	next := taglist.NewRoom(150 << 10)
	for _, name := range []string{"a", "b"} { // of which a is remembered, and takes none
		if err := list(name, next); err != nil {
			t.Error(err)
		}
	}
	if err := list("c", nil); err != nil {
		t.Error(err)
	}
}
