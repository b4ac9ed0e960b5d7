package message

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
)

// data is "." in a template, with Flux's names.
type data struct {
	AutomationObject pinsetter.Name // prints "namespace/name"
	Values           map[string]string
	Changed          *changed
	Updated          *updated // removed in Flux 2.9
	Images           []writtenImage
}

// writtenImage is an image that is written, and where it comes from. Source,
// Revision and Created are what its publisher claims.
type writtenImage struct {
	Policy, Name, Tag, Digest string
	Source, Revision          string
	Created                   time.Time // zero if unknown
	Signer                    string    // who was verified to have signed it, "" without a rule
	Builder, BuiltFrom        string    // verified likewise, by SLSA provenance
}

// changed is the set of rewritten values.
type changed struct {
	FileChanges map[string]objectChanges
	ImageResult *updated // removed in Flux 2.9

	// Results of methods, computed once, since a template may call them in a
	// loop.
	all     []placedChange
	objects objectChanges
	changes []change
}

type objectChanges map[objectIdentifier][]change

// objectIdentifier identifies an object. Templates range over objects in the
// order of its fields.
type objectIdentifier struct {
	APIVersion, Kind, Name, Namespace string
}

// change is a rewritten value. Setter is the marker's
// "namespace:policy[:suffix]".
type change struct {
	OldValue, NewValue, Setter string
}

// placedChange is a change with its place and its new image.
type placedChange struct {
	file   string
	object objectIdentifier
	change change
	image  imageRef
}

// String returns the changes by file. Without it, printing would show pointers.
func (c *changed) String() string { return fmt.Sprint(c.FileChanges) }

// Objects returns the changes by object, over all files.
func (c *changed) Objects() objectChanges {
	if c.objects == nil {
		c.objects = objectChanges{}
		for _, l := range c.all {
			c.objects[l.object] = append(c.objects[l.object], l.change)
		}
	}
	return c.objects
}

// Changes returns the distinct changes, by file and line of the first.
func (c *changed) Changes() []change {
	if c.changes == nil {
		c.changes = distinct(c.all, func(l placedChange) change { return l.change })
	}
	return c.changes
}

// distinct returns the results of of for all elements, without duplicates, in
// order.
func distinct[T comparable](all []placedChange, of func(placedChange) T) []T {
	values := []T{}
	seen := map[T]bool{}
	for _, l := range all {
		if v := of(l); !seen[v] {
			seen[v] = true
			values = append(values, v)
		}
	}
	return values
}

// newData returns the data of templates for d.
func newData(values map[string]string, d Data) *data {
	c := &changed{FileChanges: map[string]objectChanges{}, all: locate(d)}
	for _, l := range c.all {
		if c.FileChanges[l.file] == nil {
			c.FileChanges[l.file] = objectChanges{}
		}
		c.FileChanges[l.file][l.object] = append(c.FileChanges[l.file][l.object], l.change)
	}
	u := newUpdated(c.all)
	c.ImageResult = u
	return &data{AutomationObject: d.Automation, Values: values, Changed: c, Updated: u, Images: imagesOf(d)}
}

// imagesOf returns the distinct images with where they come from, sorted by policy.
// The digest is the one that is written.
func imagesOf(d Data) []writtenImage {
	var images []writtenImage
	for _, w := range slices.Compact(sortedImages(d.Images)) {
		from := d.Origins[w.Image]
		images = append(images, writtenImage{
			Policy: w.Policy.String(), Name: w.Image.Name, Tag: w.Image.Tag, Digest: w.Image.Digest,
			Source: from.Source, Revision: from.Revision, Created: from.Created, Signer: from.Signer,
			Builder: from.Builder, BuiltFrom: from.BuiltFrom,
		})
	}
	return images
}

// locate returns the changes sorted by path and line.
func locate(d Data) []placedChange {
	images := sortedImages(d.Images)
	changes := slices.Clone(d.Changes)
	slices.SortStableFunc(changes, func(a, b pinsetter.Change) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
	})
	all := make([]placedChange, len(changes))
	for i, c := range changes {
		all[i] = placedChange{
			file:   oneLine(relative(d.Path, c.Path)),
			object: objectIdentifier{oneLine(c.Object.APIVersion), oneLine(c.Object.Kind), oneLine(c.Object.Name), oneLine(c.Object.Namespace)},
			change: change{oneLine(c.Old), c.New, c.Setter},
			image:  newImageRef(c, images),
		}
	}
	return all
}

// sortedImages returns the images sorted by policy.
func sortedImages(images []Written) []Written {
	return slices.SortedFunc(slices.Values(images), func(a, b Written) int {
		return cmp.Or(a.Policy.Compare(b.Policy), strings.Compare(a.Image.String(), b.Image.String()))
	})
}

// relative returns the path of file relative to dir, "." if they are equal.
func relative(dir, file string) string {
	dir = strings.TrimPrefix(path.Clean("/"+dir), "/")
	switch rest, below := strings.CutPrefix(file, dir+"/"); {
	case file == dir:
		return "."
	case below && dir != "":
		return rest
	}
	return file
}
