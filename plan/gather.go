package plan

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/setters"
)

// Gathering collects the marked files of an automation, as many as memory is for. The
// folders that take the most are left out if all are too many, so that one with a
// million of them costs the others nothing. The zero value is an empty one.
type Gathering struct {
	Most int64 // bytes, as weigh estimates them; 0: mostGathered

	files []gitops.File
	taken int64          // bytes of files
	out   map[string]int // files that were left out, by folder
}

const (
	// mostGathered is how many bytes marked files may take: some 30,000 small ones.
	mostGathered = 32 << 20

	// markerBytes is about how many bytes what is known of a marker takes.
	markerBytes = 1 << 10

	// mostOut is of how many folders beside each other one is left out by itself.
	mostOut = 20
)

// weigh returns about how many bytes a file takes with its markers.
func weigh(file gitops.File) int64 {
	return int64(len(file.Data)+len(file.Note)) + markerBytes*int64(1+setters.CountTokens(file.Data))
}

// Add adds a file. Paths come in their order.
func (g *Gathering) Add(file gitops.File) {
	if dir, left := g.leftOut(file.Path); left {
		g.out[dir]++
		return
	}
	g.files = append(g.files, file)
	g.taken += weigh(file)
	if g.taken > cmp.Or(g.Most, mostGathered) {
		g.lighten()
	}
}

// leftOut returns the folder that is left out and has a file, if there is one.
func (g *Gathering) leftOut(file string) (string, bool) {
	for dir := file; len(g.out) > 0 && dir != "."; {
		dir = path.Dir(dir)
		if _, left := g.out[dir]; left {
			return dir, true
		}
	}
	return "", false
}

// lighten leaves out the heaviest folders of the one that has most of the weight,
// until a quarter of the room is free.
func (g *Gathering) lighten() {
	dir := "."
	weights := g.below(dir)
	heaviest := func() string {
		return slices.MaxFunc(slices.Sorted(maps.Keys(weights)), func(a, b string) int { return cmp.Compare(weights[a], weights[b]) })
	}
	for at := heaviest(); at != dir && weights[at] > g.taken/2; at = heaviest() {
		dir = at
		weights = g.below(dir)
	}
	remove := map[string]bool{}
	for left := g.taken; left > cmp.Or(g.Most, mostGathered)/4*3 && len(weights) > 0; {
		at := heaviest()
		remove[at] = true
		left -= weights[at]
		delete(weights, at)
	}
	beside := 0
	for out := range g.out {
		if path.Dir(out) == dir {
			beside++
		}
	}
	if len(remove)+beside > mostOut || remove[dir] {
		remove = map[string]bool{dir: true}
	}
	g.leave(remove)
}

// below returns the weights of the folders in a folder. Files directly in it count
// as the folder's own.
func (g *Gathering) below(dir string) map[string]int64 {
	weights := map[string]int64{}
	for _, file := range g.files {
		rest, inside := file.Path, true
		if dir != "." {
			rest, inside = strings.CutPrefix(file.Path, dir+"/")
		}
		if !inside {
			continue
		}
		at := dir
		if first, _, deeper := strings.Cut(rest, "/"); deeper {
			at = path.Join(dir, first)
		}
		weights[at] += weigh(file)
	}
	return weights
}

// leave leaves out the files of folders.
func (g *Gathering) leave(dirs map[string]bool) {
	if g.out == nil {
		g.out = map[string]int{}
	}
	for dir := range dirs {
		before := 0 // of the folders in it
		for out, files := range g.out {
			if dir == "." || strings.HasPrefix(out, dir+"/") {
				before += files
				delete(g.out, out)
			}
		}
		g.out[dir] = before
	}
	g.taken = 0
	g.files = slices.DeleteFunc(g.files, func(file gitops.File) bool {
		if dir, left := g.leftOut(file.Path); left {
			g.out[dir]++
			return true
		}
		g.taken += weigh(file)
		return false
	})
}

// Files returns the files that were added, and a finding for each folder that was left
// out, sorted by path.
func (g *Gathering) Files() ([]gitops.File, []pinsetter.Finding) {
	var findings []pinsetter.Finding
	for _, dir := range slices.Sorted(maps.Keys(g.out)) {
		findings = append(findings, setters.TooLarge(dir, fmt.Errorf("%s in it, and all marked files together take more than %d MiB in memory: "+
			"give the folder an automation of its own (spec.update.path), or split it", pinsetter.Count(g.out[dir], "marked file"), cmp.Or(g.Most, mostGathered)>>20)))
	}
	return g.files, findings
}
