package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/store"
)

// signed returns tags with what cosign leaves for each in a registry without a
// referrers API: its third version a name, its second one with .sig behind it.
func signed(tags ...string) []string {
	all := slices.Clone(tags)
	for i := range tags {
		name := fmt.Sprintf("sha256-%064x", i)
		all = append(all, name, name+".sig")
	}
	return all
}

// Signatures that are removed make no list short.
func TestSignaturesAreNotCounted(t *testing.T) {
	s := tell(t, "", "", "1.0.0")
	s.Registry.SetTags("org/app", signed("1.0.0", "1.1.0", "1.2.0")...)
	s.next("1.2.0")
	s.Registry.SetTags("org/app", "1.0.0", "1.1.0", "1.2.0", "1.3.0")
	s.next("1.3.0")
	s.holds("", time.Time{}, "")
}

// Signatures that stay don't hide that a list was cut.
func TestSignaturesHideNoCutList(t *testing.T) {
	s := tell(t, "", "", "1.0.0")
	s.Registry.SetTags("org/app", signed("1.0.0", "1.1.0", "1.2.0", "1.3.0")...)
	s.next("1.3.0")
	cut := slices.Concat(signed("1.0.0", "1.1.0", "1.2.0", "1.3.0")[4:], []string{"1.6.0"})
	for i := range 2 {
		s.Registry.SetTags("org/app", append(cut, fmt.Sprintf("sha256-%064x", 100+i))...) // they come and go
		s.next("1.3.0")
	}
	s.next("1.6.0")
}

// remembers has the ledger know a list of so many tags, as it was counted before
// signatures and excluded tags were left out.
func (s *story) remembers(count int) {
	s.t.Helper()
	ledger := s.Remember()
	defer ledger.Close()
	image := s.Named("REG/org/app")
	listing := store.Listing{Complete: store.Scan{At: noon, Count: count, Hash: strings.Repeat("0", 64)}}
	if err := ledger.Listings().Put(s.t.Context(), noon, map[string]store.Listing{image: listing}); err != nil {
		s.t.Fatal(err)
	}
}

// What was counted in another way holds nothing by itself.
func TestOtherCountHoldsNothing(t *testing.T) {
	s := tell(t, "", "", "1.0.0")
	s.Registry.SetTags("org/app", signed("1.0.0", "1.1.0", "1.2.0")...)
	s.remembers(9)
	s.next("1.2.0")
	s.Registry.SetTags("org/app", "1.0.0", "1.1.0", "1.2.0", "1.3.0")
	s.next("1.3.0")
}

// And it isn't forgotten: by it the next list is judged.
func TestOtherCountIsComparedWith(t *testing.T) {
	s := tell(t, "", "", "1.0.0", "1.1.0")
	s.remembers(9)
	s.next("1.0.0")
	s.holds("1.1.0", noon.Add(24*hour), "lists 2 tags and listed 9 before")
	s.next("1.0.0")
	s.next("1.1.0")
}

// A list is judged right after its exclusionList was edited as well, and what is
// newly excluded makes none short.
func TestEditedExclusionsAndCutLists(t *testing.T) {
	tags := []string{"1.0.0", "1.1.0", "nightly-1", "nightly-2", "nightly-3", "nightly-4"}
	s := tell(t, "", "", tags...)
	s.next("1.1.0")
	s.Load(strings.Replace(strings.ReplaceAll(storyObjects, "PUSH", "main"), "interval: 5m", "interval: 5m, exclusionList: [^nightly]", 1))
	s.Registry.Push("org/app", "1.2.0")
	s.next("1.2.0")
	s.Load(strings.Replace(strings.ReplaceAll(storyObjects, "PUSH", "main"), "interval: 5m", "interval: 5m, exclusionList: [^none]", 1))
	s.Registry.SetTags("org/app", "1.0.0", "1.3.0")
	s.next("1.2.0")
	s.holds("1.3.0", noon.Add(24*hour), "lists 2 tags and listed 7 before")
}

// Two ImageRepositories of one image exclude different tags, and each is judged by
// its own.
func TestOneImageOfTwoExclusionLists(t *testing.T) {
	s := tell(t, "", "", "1.0.0")
	objects := strings.ReplaceAll(storyObjects, "PUSH", "main")
	s.Load(strings.Replace(objects, "interval: 5m", "interval: 5m, exclusionList: [^nightly]", 1) + `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: whole}
spec: {image: REG/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: whole}
spec:
  imageRepositoryRef: {name: whole}
  policy: {semver: {range: ^1.0.0}}
`)
	s.Registry.SetTags("org/app", "1.0.0", "nightly-1", "nightly-2", "nightly-3", "nightly-4", "nightly-5", "nightly-6")
	both := s.showing("1.0.0") + "---\n" + strings.ReplaceAll(s.showing("1.0.0"), "default:app", "default:whole")
	s.Repo.CommitFile("main", "a.yaml", both, "")
	for _, tag := range []string{"1.1.0", "1.2.0", "1.3.0"} {
		s.Registry.Push("org/app", tag)
		s.last = s.cycle()
		if got, want := s.Repo.File("main", "a.yaml"), strings.ReplaceAll(both, "1.0.0", tag); got != want {
			t.Fatalf("%s; held: %v", got, s.last.Held)
		}
		s.Pass(hour)
	}
}
