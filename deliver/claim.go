// Package deliver writes decisions into artifacts: it does changes again on what CI
// pushed, says in annotations what was built on and what was changed, and pushes the
// result in an order that can be broken off anywhere.
//
// It knows no policy, and asks nothing but the registry that it pushes to. Tags can't
// be compared and swapped: a tag that keeps its artifact is written only where none is,
// and a tag that moves is looked at before and after.
package deliver

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// The annotations by which an artifact says how it was made.
const (
	annotationAutomation = "pinsetter.dev/automation" // "namespace/name"
	annotationBase       = "pinsetter.dev/base"       // digest of what was built on
	annotationChanges    = "pinsetter.dev/changes"    // JSON of Claim.Changes
)

// Claim is what an artifact says of how it was made. Anybody can write that; Replays
// says whether it is true.
type Claim struct {
	Automation pinsetter.Name
	Base       string             // digest of what was built on
	Changes    []pinsetter.Change // of the base's marked values, sorted by path and line
}

// Annotations returns the claim as an artifact has it.
func (c Claim) Annotations() (map[string]string, error) {
	if c.Changes == nil {
		c.Changes = []pinsetter.Change{}
	}
	changes, err := json.Marshal(c.Changes)
	return map[string]string{
		annotationAutomation: c.Automation.String(), annotationBase: c.Base, annotationChanges: string(changes),
	}, err
}

// ParseClaim returns the claim in a manifest's annotations. The error says why there is
// none.
func ParseClaim(document []byte) (Claim, error) {
	var m struct {
		Annotations map[string]string `json:"annotations"`
	}
	if json.Unmarshal(document, &m) != nil {
		return Claim{}, fmt.Errorf("it is no manifest")
	}
	c := Claim{Automation: pinsetter.ParseName(m.Annotations[annotationAutomation]), Base: m.Annotations[annotationBase]}
	if !pinsetter.ValidDigest(c.Base) {
		return Claim{}, fmt.Errorf("it has no annotation %s with a digest", annotationBase)
	}
	if err := json.Unmarshal([]byte(m.Annotations[annotationChanges]), &c.Changes); err != nil {
		return Claim{}, fmt.Errorf("its annotation %s can't be read", annotationChanges)
	}
	return c, nil
}

// Redone is a file with changes done again.
type Redone struct {
	Data  []byte       // of the file
	Took  map[int]bool // indexes of the sites that took a change
	Stale map[int]bool // those for which there is one, and which show other values than were changed
}

// Redo does changes again at the sites of a file. A site takes its changes as a whole,
// or none: it must show all values that were changed, and then show all new ones.
func Redo(path string, found *setters.File, data []byte, changes []pinsetter.Change) (Redone, error) {
	r := Redone{Data: data, Took: map[int]bool{}, Stale: map[int]bool{}}
	takes := map[int]pinsetter.Image{}
	for i, site := range found.Sites {
		image, news, state := again(path, site, changes)
		if state == untouched {
			continue
		}
		if state == fits {
			_, made, err := found.Apply(map[int]pinsetter.Image{i: image})
			if err == nil && same(made, news) {
				takes[i], r.Took[i] = image, true
				continue
			}
		}
		r.Stale[i] = true
	}
	if len(takes) == 0 {
		return r, nil
	}
	redone, _, err := found.Apply(takes)
	r.Data = redone
	return r, err
}

// fit says how changes fit a site.
type fit uint8

const (
	untouched fit = iota // none is about it
	differs              // it shows other values
	fits
)

// again returns the image that changes wrote at a site, and its new values, by line of
// the marker.
func again(path string, site pinsetter.Site, changes []pinsetter.Change) (image pinsetter.Image, news map[int]string, state fit) {
	if len(site.Written) > 0 {
		image = site.Written[0]
	}
	news = map[int]string{}
	for _, m := range site.Markers {
		about, fitting := false, false
		for _, c := range changes {
			if c.Path != path || c.Setter != m.Setter || c.Object != site.Object {
				continue
			}
			about = true
			if c.Old != m.Value {
				continue
			}
			fitting = true
			news[m.Line] = c.New
			write(&image, m.Part, c.New)
			break
		}
		switch {
		case about && !fitting && !isNew(path, site, m, changes):
			return image, nil, differs
		case fitting:
			state = fits
		}
	}
	return image, news, state
}

// isNew reports whether a marker shows a value that changes wrote elsewhere in the
// site: it needed none.
func isNew(path string, site pinsetter.Site, m pinsetter.Marker, changes []pinsetter.Change) bool {
	for _, c := range changes {
		if c.Path == path && c.Setter == m.Setter && c.Object == site.Object && c.New == m.Value {
			return true
		}
	}
	return false
}

// write puts a marker's value into an image.
func write(image *pinsetter.Image, part pinsetter.Part, value string) {
	switch part {
	case pinsetter.PartReference:
		*image = setters.ParseReference(value)
	case pinsetter.PartName:
		_, image.Name = pinsetter.CutScheme(value)
	case pinsetter.PartDigest:
		image.Digest = value
	case pinsetter.PartTag:
		tag, digest, pinned := strings.Cut(value, "@")
		image.Tag = strings.ReplaceAll(tag, "+", "_") // a chart's version
		if pinned {
			image.Digest = digest
		}
	}
}

// same reports whether changes wrote new values, by line.
func same(made []pinsetter.Change, news map[int]string) bool {
	if len(made) != len(news) {
		return false
	}
	for _, c := range made {
		if news[c.Line] != c.New {
			return false
		}
	}
	return true
}

// Between returns the changes of marked values from one version of a file to another,
// which has the same sites.
func Between(path string, older, newer *setters.File) []pinsetter.Change {
	var changes []pinsetter.Change
	for i, site := range older.Sites {
		for j, m := range site.Markers {
			if is := newer.Sites[i].Markers[j]; is.Value != m.Value {
				changes = append(changes, pinsetter.Change{Path: path, Line: m.Line, Setter: m.Setter, Object: site.Object, Old: m.Value, New: is.Value})
			}
		}
	}
	return changes
}
