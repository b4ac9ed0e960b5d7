package setters

import (
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// add adds a marker to its site, and creates the site if needed. P is relative
// to the chunk.
func (s *search) add(m marker, node *yaml.Node, p place) {
	p.start += s.chunk.start
	p.end += s.chunk.start
	p.chunk = s.chunk
	key := s.key(m)
	i, ok := s.sites[key]
	if !ok {
		i = len(s.file.Sites)
		s.sites[key] = i
		s.file.places = append(s.file.places, nil)
		s.file.Sites = append(s.file.Sites, pinsetter.Site{
			Path:     s.file.path,
			Document: s.scope.document,
			Item:     s.scope.item,
			Object:   s.scope.object,
			Policy:   m.policy,
		})
	}
	value := strings.Clone(node.Value)
	if p.quote == 0 && node.Tag == yaml.NodeTagNull {
		value = ""
	}
	field := s.field()
	marker := pinsetter.Marker{
		Line:   s.tokens.lineAt(p.start - s.chunk.start),
		Part:   m.part,
		Setter: m.setter,
		Value:  value,
		Kind:   Classify(value, field),
	}
	s.outweighed(marker)
	s.file.Sites[i].Markers = append(s.file.Sites[i].Markers, marker)
	if found := s.enclosing(); found != nil {
		s.file.Sites[i].Enclosing = found
	}
	s.file.places[i] = append(s.file.places[i], p.shaped(marker, field))
}

// key returns the key of the site that a marker belongs to.
func (s *search) key(m marker) siteKey {
	return siteKey{s.scope.document, s.scope.item, m.policy}
}

// dropBroken removes the sites with a marker that can't be written: a site
// moves as a whole or stays, so that a tag never parts from its digest.
func (s *search) dropBroken() {
	if len(s.broken) == 0 {
		return
	}
	sites, places := s.file.Sites, s.file.places
	kept := s.first
	for i := s.first; i < len(sites); i++ {
		site := sites[i]
		if line, ok := s.broken[siteKey{site.Document, site.Item, site.Policy}]; ok {
			s.file.report(pinsetter.Error, CodeSplice, site.Markers[0].Line, "marker %q: its value stays as it is, since the one in line %d can't be rewritten and the two must not part", site.Markers[0].Setter, line)
			continue
		}
		sites[kept], places[kept] = site, places[i]
		kept++
	}
	s.file.Sites, s.file.places = sites[:kept], places[:kept]
}

// objectOf returns the identity of the object in a node.
func objectOf(node *yaml.Node) pinsetter.Object {
	metadata := child(node, "metadata")
	return pinsetter.Object{
		APIVersion: strings.Clone(text(node, "apiVersion")),
		Kind:       strings.Clone(text(node, "kind")),
		Namespace:  strings.Clone(text(metadata, "namespace")),
		Name:       strings.Clone(text(metadata, "name")),
	}
}

// isChart reports whether a document is a chart's Chart.yaml.
func isChart(file string, root *yaml.Node) bool {
	version := text(root, "apiVersion")
	return namedChart(file) || (version == "v1" || version == "v2") && child(root, "kind") == nil && child(root, "dependencies") != nil
}

// namedChart reports whether a file is named Chart.yaml.
func namedChart(file string) bool {
	name := path.Base(file)
	return name == "Chart.yaml" || name == "Chart.yml"
}

// written returns the images that a site shows now; see pinsetter.Site.
func written(site pinsetter.Site, places []place) []pinsetter.Image {
	if Unfit(site, "") != nil {
		return nil
	}
	var plain []pinsetter.Image
	var parts suffixedValues
	first := -1 // position of the suffixed markers' images among the plain ones
	for i, m := range site.Markers {
		if first < 0 && (m.Part == pinsetter.PartTag || m.Part == pinsetter.PartDigest) {
			first = len(plain)
		}
		switch m.Part {
		case pinsetter.PartReference:
			plain = append(plain, ParseReference(m.Value))
		case pinsetter.PartName:
			parts.names = append(parts.names, ImageName(m))
		case pinsetter.PartTag:
			parts.pin(places[i].tag(m.Value))
		case pinsetter.PartDigest:
			parts.digests = append(parts.digests, m.Value)
		}
	}
	images := plain
	if first >= 0 {
		parts.level()
		images = slices.Insert(slices.Clone(plain), first, parts.images(plain)...)
	}
	images = distinct(images)
	if len(images) == 1 && images[0] == (pinsetter.Image{}) {
		return nil
	}
	return images
}

// distinct returns the images without duplicates, in order of appearance.
func distinct(images []pinsetter.Image) []pinsetter.Image {
	var kept []pinsetter.Image
	seen := make(map[pinsetter.Image]bool, len(images))
	for _, image := range images {
		if !seen[image] {
			seen[image] = true
			kept = append(kept, image)
		}
	}
	return kept
}

// suffixedValues holds the values of a site's markers with a suffix.
type suffixedValues struct {
	names, tags, digests []string
	pinned               bool // some tag has a digest behind it
}

// pin adds the value of a :tag marker: a tag, or "tag@digest".
func (s *suffixedValues) pin(value string) {
	tag, digest, pinned := strings.Cut(value, "@")
	if pinned {
		s.pinned = true
		s.level()
		s.digests = append(s.digests, digest)
	}
	s.tags = append(s.tags, tag)
}

// level adds an empty digest for each tag without one, if other tags have one.
func (s *suffixedValues) level() {
	for s.pinned && len(s.digests) < len(s.tags) {
		s.digests = append(s.digests, "")
	}
}

// images combines the values into images, in order of appearance. If one part
// has fewer values, its last one is repeated. An image that a plain one shows
// too is left out: a label with the tag alone is no second opinion.
func (s suffixedValues) images(plain []pinsetter.Image) []pinsetter.Image {
	shown := make(map[pinsetter.Image]bool, len(plain))
	for _, image := range plain {
		shown[s.mask(image)] = true
	}
	var images []pinsetter.Image
	for i := range max(len(s.names), len(s.tags), len(s.digests)) {
		image := pinsetter.Image{Name: at(s.names, i), Tag: at(s.tags, i), Digest: at(s.digests, i)}
		if !shown[image] {
			images = append(images, image)
		}
	}
	return images
}

// mask returns an image with only the parts that there are values of.
func (s suffixedValues) mask(image pinsetter.Image) pinsetter.Image {
	if len(s.names) == 0 {
		image.Name = ""
	}
	if len(s.tags) == 0 {
		image.Tag = ""
	}
	if len(s.digests) == 0 {
		image.Digest = ""
	}
	return image
}

// at returns the i-th value, the last one beyond the end, "" if there is none.
func at(values []string, i int) string {
	if len(values) == 0 {
		return ""
	}
	return values[min(i, len(values)-1)]
}

// ParseReference parses "[scheme://]name[:tag][@digest]", with the schemes of
// pinsetter.CutScheme. A colon before the last slash is a registry's port.
func ParseReference(value string) pinsetter.Image {
	_, value = pinsetter.CutScheme(value)
	name, digest, _ := strings.Cut(value, "@")
	tag := ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return pinsetter.Image{Name: name, Tag: tag, Digest: digest}
}

// ImageName returns the name in a marked value, without scheme, tag and digest.
// It returns "" if the marker asks for no name.
func ImageName(m pinsetter.Marker) string {
	switch m.Part {
	case pinsetter.PartReference:
		return ParseReference(m.Value).Name
	case pinsetter.PartName:
		_, name := pinsetter.CutScheme(m.Value)
		return name
	}
	return ""
}
