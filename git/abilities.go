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

// Abilities caches in a file the abilities of a server of protocol v2, so that
// the next run need not ask for them. Forget them if the server's answer
// disagrees. The zero value caches nothing. It is no error if the file can't be
// read or written.
type Abilities struct{ path string }

// Abilities returns the file for a server, by a key of the server's.
func (c Cache) Abilities(key string) Abilities {
	if c.Dir == "" {
		return Abilities{}
	}
	return Abilities{filepath.Join(c.Dir, fmt.Sprintf("%x%s", sha256.Sum256([]byte(key)), abilitiesName))}
}

const (
	abilitiesName  = ".git-abilities"
	abilitiesMagic = "pinsetter abilities 1\n"

	// abilitiesLast is how long they are used: a server may learn an ability that
	// makes fetches cheaper.
	abilitiesLast = 24 * time.Hour
)

// Features are the abilities to fetch that servers of v2 differ in, sorted.
var Features = []string{"filter", "shallow"}

// Load returns those of the Features that the server has, and false if that
// isn't known.
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

// isRecent reports whether a file that was written then is still used.
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

// Save caches those of a server's abilities that are Features.
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

// Forget deletes the file.
func (a Abilities) Forget() {
	if a.path != "" {
		_ = os.Remove(a.path)
	}
}
