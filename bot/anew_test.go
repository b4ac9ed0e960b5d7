package bot_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts/scene"
)

// anew begins a story whose tag latest is pushed anew every four hours, with a
// cooldown of six.
func anew(t *testing.T, reflect string) (s *story, push func() string) {
	t.Helper()
	objects := strings.Replace(storyObjects, "policy: {semver: {range: ^1.0.0}}",
		"digestReflectionPolicy: "+reflect+"\n  policy: {alphabetical: {}}", 1)
	if objects == storyObjects {
		t.Fatal("the story's policy is another one")
	}
	gate := "---\napiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: gate}\nspec: {minAge: 6h}\n"
	s = &story{world: newWorld(t, strings.ReplaceAll(objects, "PUSH", "main")+gate, map[string]string{"a.yaml": storyFile}), push: "main"}
	n := 0
	return s, func() string {
		n++
		s.Pass(4 * hour)
		return "latest@" + s.Registry.PushContent("org/app", "latest", fmt.Sprint("build ", n))
	}
}

// gone has the registry forget an image, by its reference.
func (s *story) gone(ref string) {
	_, digest, _ := strings.Cut(ref, "@")
	lost := scene.Fault(func(to http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, digest) {
			to.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	s.Fault.Store(&lost)
}

// A tag that is pushed anew faster than its cooldown is followed, at a distance. A
// digest that is gone is passed over, and with the ledger the distance begins anew.
func TestTagPushedAnewIsFollowed(t *testing.T) {
	s, push := anew(t, "Always\n  interval: 5m")
	first := push()
	s.next("1.0.0")
	push()
	s.next("1.0.0") // the first is too young, so that nobody asks for the second
	third := push()
	s.next(first)
	s.holds(third, s.Now().Add(6*hour), "seen just now")
	fourth := push()
	s.next(first)
	push()
	s.next(third)
	push()
	s.gone(fourth)
	s.next(third)
	s.gone("@none")
	s.next(fourth)
	s.forget()
	seventh := push()
	s.next(fourth)
	push()
	s.next(fourth)
	push()
	s.next(seventh)
}

// A site that shows no digest can't say which content it means: it is held, with the
// digest that has aged.
func TestTagPushedAnewIsHeldWithoutDigest(t *testing.T) {
	s, push := anew(t, "Never")
	for range 2 {
		push()
		s.next("1.0.0")
	}
	push()
	s.next("1.0.0")
	s.holds("latest", s.Now().Add(6*hour), "has aged, and a site without a digest can't say that it means that one")
	s.Pass(6 * time.Hour)
	s.next("latest")
}
