package adopt

import (
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// compose finds the images of a compose file. It returns false if the document
// is none.
func (f *finder) compose(root *strict.Node) bool {
	services := strict.Child(root, "services")
	if services.Kind != strict.Mapping {
		return false
	}
	found := false
	for _, service := range strict.Fields(services) {
		if service.Value.Kind != strict.Mapping {
			continue
		}
		if image := scalarOf(service.Value, "image"); image != nil {
			found = true
			f.whole(image, true)
		}
		found = found || strict.Child(service.Value, "build") != nil
	}
	return found
}

// whole adds a reference in one value. Demanded says that the value can be
// nothing else, so that one without a tag is worth a word.
func (f *finder) whole(node *strict.Node, demanded bool) {
	image, ok := reference(node.Value)
	if !ok || !demanded && image.Tag == "" && image.Digest == "" {
		return
	}
	kind := KindImage
	if strings.HasPrefix(node.Value, "oci://") {
		kind = KindArtifact
	}
	f.add(kind, image, Value{node, pinsetter.PartReference})
}

// parts adds a reference whose tag, and digest if there is one, have values of
// their own.
func (f *finder) parts(kind Kind, name string, tag, digest *strict.Node) {
	image := pinsetter.Image{Name: name, Tag: strict.Text(tag), Digest: strict.Text(digest)}
	if before, pinned, ok := strings.Cut(image.Tag, "@"); ok && image.Digest == "" {
		image.Tag, image.Digest = before, pinned
	}
	f.add(kind, image, Value{tag, pinsetter.PartTag}, Value{digest, pinsetter.PartDigest})
}

// kustomization finds the images and charts of a kustomization.
func (f *finder) kustomization(root *strict.Node) {
	f.kustomizeImages(strict.Child(root, "images"))
	for _, chart := range items(strict.Child(root, "helmCharts")) {
		f.chart(textOf(chart, "repo"), textOf(chart, "name"), scalarOf(chart, "version"))
		f.values(strict.Child(chart, "valuesInline"))
	}
	for _, key := range []string{"patches", "patchesStrategicMerge"} {
		f.texts(strict.Child(root, key))
	}
}

// kustomizeImages finds the entries of "images".
func (f *finder) kustomizeImages(list *strict.Node) {
	for _, entry := range items(list) {
		name := textOf(entry, "newName")
		if name == "" {
			name = textOf(entry, "name")
		}
		tag, digest := scalarOf(entry, "newTag"), scalarOf(entry, "digest")
		if tag != nil || digest != nil {
			f.parts(KindTag, name, tag, digest)
		}
	}
}

// applied notes the folder that a Kustomization of Flux applies.
func (f *finder) applied(root *strict.Node) {
	if folder := textOf(strict.Child(root, "spec"), "path"); !strings.Contains(folder, "$") {
		f.file.Applied = append(f.file.Applied, clean(folder))
	}
}

// helmRelease finds the chart and the values of a HelmRelease.
func (f *finder) helmRelease(root *strict.Node) {
	spec := strict.Child(root, "spec")
	chart := strict.Child(strict.Child(spec, "chart"), "spec")
	if version := scalarOf(chart, "version"); version != nil {
		f.chartOf(chart, textOf(chart, "chart"), version)
	}
	f.values(strict.Child(spec, "values"))
	for _, renderer := range items(strict.Child(spec, "postRenderers")) {
		f.kustomizeImages(strict.Child(strict.Child(renderer, "kustomize"), "images"))
	}
}

// source finds what an OCIRepository or HelmChart refers to, and notes a
// HelmRepository.
func (f *finder) source(root *strict.Node) {
	spec := strict.Child(root, "spec")
	switch f.object.Kind {
	case "HelmRepository":
		f.file.HelmRepositories[pinsetter.Name{Namespace: f.object.Namespace, Name: f.object.Name}] = textOf(spec, "url")
	case "HelmChart":
		if version := scalarOf(spec, "version"); version != nil {
			f.chartOf(spec, textOf(spec, "chart"), version)
		}
	case "OCIRepository":
		f.ociRepository(spec)
	}
}

func (f *finder) ociRepository(spec *strict.Node) {
	ref := strict.Child(spec, "ref")
	tag, digest, semver := scalarOf(ref, "tag"), scalarOf(ref, "digest"), scalarOf(ref, "semver")
	name, isOCI := strings.CutPrefix(textOf(spec, "url"), "oci://")
	switch {
	case !isOCI:
	case semver != nil:
		f.add(KindArtifact, pinsetter.Image{Name: name, Tag: semver.Value}, Value{semver, pinsetter.PartTag}).Skipped = "source-controller resolves its range"
	case tag != nil || digest != nil:
		f.parts(KindArtifact, name, tag, digest)
	}
}

// chartOf adds a chart whose sourceRef names a HelmRepository.
func (f *finder) chartOf(spec *strict.Node, name string, version *strict.Node) {
	ref := strict.Child(spec, "sourceRef")
	if kind := textOf(ref, "kind"); kind != "HelmRepository" {
		return // a chart of a Git repository has the version of its commit
	}
	from := pinsetter.Name{Namespace: textOf(ref, "namespace"), Name: textOf(ref, "name")}
	if from.Namespace == "" {
		from.Namespace = f.object.Namespace
	}
	r := f.add(KindChart, pinsetter.Image{Name: name, Tag: version.Value}, Value{version, pinsetter.PartTag})
	r.chart = &chartSource{chart: name, repository: from}
}

// chart adds a chart of a repository's address. Charts of files have no version
// of their own.
func (f *finder) chart(repository, name string, version *strict.Node) {
	if version == nil || name == "" || repository == "" || strings.HasPrefix(repository, "file:") {
		return
	}
	r := f.add(KindChart, pinsetter.Image{Name: chartImage(repository, name), Tag: version.Value}, Value{version, pinsetter.PartTag})
	if r.Image.Name == "" {
		r.Image.Name = name
		if r.Skipped == "" {
			r.Skipped = overHTTP
		}
	}
}

// overHTTP says why a chart of an index gets no marker, if no HelmRepository has it.
const overHTTP = "the chart comes from an HTTP index, which only a HelmRepository leads to: name its oci:// address, if its publisher has one"

// chartImage returns the name that a chart has in a registry, "" if the address
// is none of a registry.
func chartImage(repository, name string) string {
	if rest, ok := strings.CutPrefix(repository, "oci://"); ok {
		return strings.TrimRight(rest, "/") + "/" + name
	}
	return ""
}

// dependencies finds the charts that a Chart.yaml depends on.
func (f *finder) dependencies(root *strict.Node) {
	for _, d := range items(strict.Child(root, "dependencies")) {
		f.chart(textOf(d, "repository"), textOf(d, "name"), scalarOf(d, "version"))
	}
}

// argoApplication finds the charts, Helm parameters, values and kustomize images of an
// Application's sources, or of an ApplicationSet's template.
func argoApplication(f *finder, root *strict.Node) {
	spec := strict.Child(root, "spec")
	if f.object.Kind == "ApplicationSet" {
		spec = strict.Child(strict.Child(spec, "template"), "spec")
	}
	sources := items(strict.Child(spec, "sources"))
	if single := strict.Child(spec, "source"); single != nil && single.Kind == strict.Mapping {
		sources = slices.Insert(sources, 0, single)
	}
	for _, source := range sources {
		if strict.Text(strict.Child(strict.Child(source, "directory"), "recurse")) == "true" {
			f.file.Applied = append(f.file.Applied, clean(textOf(source, "path")))
		}
		if chart := textOf(source, "chart"); chart != "" {
			argoChart(f, source, chart)
		}
		helm := strict.Child(source, "helm")
		argoParameters(f, items(strict.Child(helm, "parameters")))
		f.values(strict.Child(helm, "valuesObject"))
		f.texts(strict.Child(helm, "values"))
		images := strict.Child(strict.Child(source, "kustomize"), "images")
		if images != nil && images.Kind == strict.Sequence {
			for _, image := range images.Content {
				argoImage(f, strict.Target(image))
			}
		}
	}
}

// argoChart adds the chart of a source. Argo CD's address of a registry has no
// scheme.
func argoChart(f *finder, source *strict.Node, chart string) {
	repository := textOf(source, "repoURL")
	if !strings.Contains(repository, "://") && !strings.Contains(repository, "{") {
		repository = "oci://" + repository
	}
	f.chart(repository, chart, scalarOf(source, "targetRevision"))
}

// argoImage adds an image override: "name:tag", or "name=new:tag", which no
// marker can write.
func argoImage(f *finder, node *strict.Node) {
	if node.Kind != strict.Scalar {
		return
	}
	if _, after, renamed := strings.Cut(node.Value, "="); renamed {
		if image, ok := reference(after); ok {
			f.add(KindImage, image, Value{node, pinsetter.PartReference}).Skipped = "its value is OLD=NEW, which a marker would replace: use the kustomization's images"
		}
		return
	}
	f.whole(node, false)
}

// argoParameters finds the images of Helm parameters: "image.tag" beside
// "image.repository", or a whole reference.
func argoParameters(f *finder, list []*strict.Node) {
	values := map[string]string{}
	for _, p := range list {
		values[textOf(p, "name")] = textOf(p, "value")
	}
	for _, p := range list {
		name, value := textOf(p, "name"), scalarOf(p, "value")
		if value == nil {
			continue
		}
		prefix, isTag := cutSuffixFold(name, "tag")
		switch {
		case isTag:
			repository := firstOf(values, prefix+"repository", prefix+"Repository", strings.TrimSuffix(prefix, "."), prefix+"name")
			if repository == "" {
				f.add(KindTag, pinsetter.Image{Tag: value.Value}, Value{value, pinsetter.PartTag}).Skipped = "the parameter of its repository isn't here"
				continue
			}
			var digest *strict.Node
			for _, other := range list {
				if textOf(other, "name") == prefix+"digest" {
					digest = scalarOf(other, "value")
				}
			}
			f.parts(KindTag, join(firstOf(values, prefix+"registry"), repository), value, digest)
		case strings.HasSuffix(strings.ToLower(name), "image"):
			f.whole(value, false)
		}
	}
}

// imageUpdater finds the images of Argo CD Image Updater's objects.
func imageUpdater(f *finder, root *strict.Node) {
	for _, ref := range items(strict.Child(strict.Child(root, "spec"), "applicationRefs")) {
		for _, image := range items(strict.Child(ref, "images")) {
			if name := scalarOf(image, "imageName"); name != nil {
				f.whole(name, true)
			}
		}
	}
}
