package git

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Abilities remembers in a file what a server of protocol v2 can do, so that the
// next run need not ask. An answer that disagrees ends that: the server is asked
// again. The zero Abilities remembers nothing, and what can't be read or written is
// not remembered.
type Abilities struct{ path string }

// Abilities returns where those of a server are remembered, under a key of the
// server's.
func (c Cache) Abilities(key string) Abilities {
	if c.Dir == "" {
		return Abilities{}
	}
	return Abilities{filepath.Join(c.Dir, fmt.Sprintf("%x%s", sha256.Sum256([]byte(key)), abilitiesName))}
}

const (
	abilitiesName  = ".git-abilities"
	abilitiesMagic = "pinsetter abilities 1\n"

	// abilitiesLast is how long they are relied on, since a server may learn what
	// makes fetches cheaper.
	abilitiesLast = 24 * time.Hour
)

// Features are the abilities to fetch that servers of v2 differ in, sorted.
var Features = []string{"filter", "shallow"}

// Load returns the Features that are remembered of a server, and false if nothing is.
func (a Abilities) Load() ([]string, bool) {
	if a.path == "" {
		return nil, false
	}
	f, err := os.Open(a.path)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || !isRecent(info.ModTime()) {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	if err != nil {
		return nil, false
	}
	return parseAbilities(string(text))
}

// isRecent reports whether what was written then is relied on.
func isRecent(written time.Time) bool {
	age := time.Since(written)
	return age >= 0 && age < abilitiesLast
}

// parseAbilities reads a file: the magic line, and a line with features, sorted.
func parseAbilities(text string) ([]string, bool) {
	line, ours := strings.CutPrefix(text, abilitiesMagic)
	line, whole := strings.CutSuffix(line, "\n")
	found := strings.Fields(line)
	unknown := func(feature string) bool { return !slices.Contains(Features, feature) }
	if !ours || !whole || line != strings.Join(found, " ") || slices.ContainsFunc(found, unknown) || !isSet(found) {
		return nil, false
	}
	return found, true
}

// isSet reports whether words are sorted, each once.
func isSet(words []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(words))), words)
}

// Save remembers those of a server's abilities that are Features.
func (a Abilities) Save(abilities []string) {
	if a.path == "" {
		return
	}
	var found []string
	for _, feature := range Features {
		if slices.Contains(abilities, feature) {
			found = append(found, feature)
		}
	}
	_ = replaceFile(a.path, func(to io.Writer) error {
		_, err := io.WriteString(to, abilitiesMagic+strings.Join(found, " ")+"\n")
		return err
	})
}

// Forget forgets what is remembered.
func (a Abilities) Forget() {
	if a.path != "" {
		_ = os.Remove(a.path)
	}
}
