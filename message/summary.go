package message

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// Bounds of a summary: the moves that it names, and the characters of a value.
const (
	maxMoves      = 5
	maxMovedValue = 80
)

// Summary says on one line what changes do: images with their old and new
// versions, and where, such as "podinfo 6.0.0 -> 6.1.0 in apps (3 files)". It
// is "" without changes. Values of files are in it as they are, cut.
func Summary(d Data) string {
	if len(d.Changes) == 0 {
		return ""
	}
	moves := movesOf(locate(d))
	text := strings.Join(moves[:min(len(moves), maxMoves)], ", ")
	if more := len(moves) - maxMoves; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " " + placeOf(d.Changes)
}

// movesOf returns the distinct moves of images. A digest or a name counts only
// if nothing tells a version of the same policy.
func movesOf(all []placedChange) []string {
	var moves []string
	versioned := map[pinsetter.Name]bool{}
	for _, only := range []bool{true, false} {
		for _, l := range all {
			move, isVersion := moveOf(l)
			if isVersion != only || !isVersion && versioned[l.image.policy] || slices.Contains(moves, move) {
				continue
			}
			versioned[l.image.policy] = versioned[l.image.policy] || isVersion
			moves = append(moves, move)
		}
	}
	return moves
}

// moveOf describes one change, and reports whether it is one of versions.
func moveOf(l placedChange) (move string, isVersion bool) {
	_, rest, _ := strings.Cut(l.change.Setter, ":")
	_, part, _ := strings.Cut(rest, ":")
	before, after := readImage(l.change.OldValue, part), readImage(l.change.NewValue, part)
	name := moved(path.Base(cmp.Or(l.image.image.Name, after.Name, l.image.policy.Name)))
	switch {
	case part == "name":
		return moved(before.Name) + " -> " + moved(after.Name), false
	case before.Tag != after.Tag:
		return fmt.Sprintf("%s %s -> %s", name, version(before), version(after)), true
	case before.Digest != after.Digest:
		before.Tag, after.Tag = "", ""
		if tag := moved(l.image.image.Tag); tag != "" {
			name += " " + tag
		}
		return fmt.Sprintf("%s %s -> %s", name, version(before), version(after)), false
	}
	return fmt.Sprintf("%s %s -> %s", name, moved(l.change.OldValue), moved(l.change.NewValue)), true
}

// version returns an image's tag, or else the beginning of its digest, for a
// summary.
func version(i pinsetter.Image) string { return cmp.Or(moved(shortVersion(i)), "nothing") }

// moved returns a value for a summary, on one line and cut.
func moved(value string) string {
	value = strings.Join(strings.Fields(value), " ")
	if len(value) > maxMovedValue {
		return strings.ToValidUTF8(value[:maxMovedValue], "") + "…"
	}
	return value
}

// placeOf says in which file the changes are, or in which folder and how many
// files.
func placeOf(changes []pinsetter.Change) string {
	files := map[string]bool{}
	for _, c := range changes {
		files[c.Path] = true
	}
	common := path.Dir(changes[0].Path)
	for file := range files {
		for common != "." && common != "/" && !strings.HasPrefix(file, common+"/") {
			common = path.Dir(common)
		}
	}
	switch {
	case len(files) == 1:
		return "in " + oneLine(changes[0].Path)
	case common == "." || common == "/":
		return fmt.Sprintf("in %d files", len(files))
	}
	return fmt.Sprintf("in %s (%d files)", oneLine(common), len(files))
}
