package setters

import (
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// add puts a marker into its site, which it makes where there is none yet. P is
// relative to the chunk.
func (s *search) add(m marker, node *yaml.Node, p place) {
	p.start += s.chunk.start
	p.end += s.chunk.start
	p.chunk = s.chunk
	p.chart = m.part == pinsetter.PartTag && s.isChartVersion()
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
	value := node.Value
	if p.quote == 0 && node.Tag == yaml.NodeTagNull {
		value = ""
	}
	s.file.Sites[i].Markers = append(s.file.Sites[i].Markers, pinsetter.Marker{
		Line:   s.tokens.lineAt(p.start - s.chunk.start),
		Part:   m.part,
		Setter: m.setter,
		Value:  value,
	})
	s.file.places[i] = append(s.file.places[i], p)
}

// key returns the key of the site that a marker belongs to.
func (s *search) key(m marker) siteKey {
	return siteKey{s.scope.document, s.scope.item, m.policy}
}

// dropBroken removes the sites of which one marker can't be written: a site
// moves as a whole or stays, lest a tag part from its digest.
func (s *search) dropBroken() {
	if len(s.broken) == 0 {
		return
	}
	sites, places := s.file.Sites, s.file.places
	kept := s.first
	for i := s.first; i < len(sites); i++ {
		site := sites[i]
		if line, ok := s.broken[siteKey{site.Document, site.Item, site.Policy}]; ok {
			s.file.report(pinsetter.Error, CodeSplice, site.Line(), "marker %q: its value stays as it is, since the one in line %d can't be rewritten and the two must not part", site.Markers[0].Setter, line)
			continue
		}
		sites[kept], places[kept] = site, places[i]
		kept++
	}
	s.file.Sites, s.file.places = sites[:kept], places[:kept]
}

// objectOf returns the identity of the object that a node holds.
func objectOf(node *yaml.Node) pinsetter.Object {
	metadata := child(node, "metadata")
	return pinsetter.Object{
		APIVersion: text(node, "apiVersion"),
		Kind:       text(node, "kind"),
		Namespace:  text(metadata, "namespace"),
		Name:       text(metadata, "name"),
	}
}

// isChart reports whether a document is a chart's Chart.yaml.
func isChart(file string, root *yaml.Node) bool {
	version := text(root, "apiVersion")
	return namedChart(file) || (version == "v1" || version == "v2") && child(root, "kind") == nil && child(root, "dependencies") != nil
}

// namedChart reports whether a file is a Chart.yaml by its name.
func namedChart(file string) bool {
	name := path.Base(file)
	return name == "Chart.yaml" || name == "Chart.yml"
}

// isChartVersion reports whether the path leads to the version of a chart: in a
// HelmRelease, a HelmChart, or among the dependencies of a Chart.yaml. Only
// there a tag's "_" stands for "+".
func (s *search) isChartVersion() bool {
	var want []string
	switch {
	case s.scope.object.Kind == "HelmRelease":
		want = []string{"spec", "chart", "spec", "version"}
	case s.scope.object.Kind == "HelmChart":
		want = []string{"spec", "version"}
	case s.scope.chart:
		want = []string{"dependencies", "[]", "version"}
	default:
		return false
	}
	return slices.Equal(s.path, want)
}

// written returns what a site shows now; see pinsetter.Site.
func written(site pinsetter.Site, places []place) []pinsetter.Image {
	var plain []pinsetter.Image
	var parts suffixed
	first := -1 // where the images of the suffixed markers stand among the plain ones
	for i, m := range site.Markers {
		if first < 0 && (m.Part == pinsetter.PartTag || m.Part == pinsetter.PartDigest) {
			first = len(plain)
		}
		switch m.Part {
		case pinsetter.PartReference:
			plain = append(plain, ParseReference(m.Value))
		case pinsetter.PartName:
			parts.names = append(parts.names, m.Value)
		case pinsetter.PartTag:
			parts.tags = append(parts.tags, places[i].tag(m.Value))
		case pinsetter.PartDigest:
			parts.digests = append(parts.digests, m.Value)
		}
	}
	images := plain
	if first >= 0 {
		images = slices.Insert(slices.Clone(plain), first, parts.images(plain)...)
	}
	images = distinct(images)
	if len(images) == 1 && images[0] == (pinsetter.Image{}) {
		return nil
	}
	return images
}

// distinct returns each image once, in order of appearance.
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

// suffixed are the values of a site's markers with a suffix.
type suffixed struct{ names, tags, digests []string }

// images joins the values into images, in order of appearance; where there are
// fewer of one kind, its last one stands for the rest. What one of the plain
// images shows as well is left out: a label with the tag alone is no second
// opinion.
func (s suffixed) images(plain []pinsetter.Image) []pinsetter.Image {
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

// mask returns an image with the parts that there are values of.
func (s suffixed) mask(image pinsetter.Image) pinsetter.Image {
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

// at returns the i-th value, the last one beyond the end, "" of none.
func at(values []string, i int) string {
	if len(values) == 0 {
		return ""
	}
	return values[min(i, len(values)-1)]
}

// ParseReference reads "name[:tag][@digest]". A colon before the last slash is a
// registry's port.
func ParseReference(value string) pinsetter.Image {
	name, digest, _ := strings.Cut(value, "@")
	tag := ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return pinsetter.Image{Name: name, Tag: tag, Digest: digest}
}
