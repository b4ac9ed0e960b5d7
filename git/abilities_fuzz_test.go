package git

import (
	"slices"
	"testing"
)

// Whatever a file of abilities holds, no others are read of it, and what was written
// is read again.
func FuzzAbilities(f *testing.F) {
	f.Add("")
	f.Add(abilitiesMagic + "\n")
	f.Add(abilitiesMagic + "filter shallow\n")
	f.Add(abilitiesMagic + "shallow filter thin\n")
	f.Fuzz(func(t *testing.T, text string) {
		caps, read := parseAbilities(text)
		if !read {
			return
		}
		remembered := Cache{Dir: t.TempDir()}.Abilities("a")
		remembered.Save(caps)
		if again, _ := remembered.Load(); !slices.Equal(again, caps) {
			t.Errorf("%q: %q, and then %q", text, caps, again)
		}
	})
}
