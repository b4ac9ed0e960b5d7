package adopt

import (
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/strict"
)

// Kind says how a reference is written.
type Kind string

// The kinds of references.
const (
	KindImage    Kind = "image"    // name:tag[@digest] in one value
	KindTag      Kind = "tag"      // a tag in a value of its own
	KindDigest   Kind = "digest"   // the digest of a tag that moves
	KindChart    Kind = "chart"    // the version of a Helm chart
	KindArtifact Kind = "artifact" // the tag of an OCI artifact
)

// Reference is an image, chart or artifact that a file uses.
type Reference struct {
	Path   string
	Line   int // of the value with the tag; from 1
	Kind   Kind
	Image  pinsetter.Image // Name is empty if it can't be told
	Object pinsetter.Object

	// Skipped says why it can't get a marker, for people. Marked says that it has
	// one. Both are known without a registry.
	Skipped string
	Marked  bool

	// Index is set by Resolve for a chart of an HTTP index. Image.Name is what stands
	// for it then, as in pinsetter.ChartImage.
	Index *Index

	Hint   Hint
	Values []Value // that get markers

	document setters.Document
	below    bool         // a line for its digest may stand below its tag
	chart    *chartSource // of a chart whose repository is another object
}

// Value is a value of a file and the part of an image that it shows.
type Value struct {
	Node *strict.Node
	Part pinsetter.Part
}

// IsPinned reports whether a digest stands beside the tag.
func (r *Reference) IsPinned() bool { return r.Image.Digest != "" }

// IsReady reports whether its registry can be asked for a policy.
func (r *Reference) IsReady() bool { return r.isOpen() && r.chart == nil }

// isOpen reports whether it may get markers, as far as its file tells.
func (r *Reference) isOpen() bool { return r.Skipped == "" && !r.Marked }

// Marks returns the markers that move the reference by a policy.
func (r *Reference) Marks(policy pinsetter.Name) []setters.Mark {
	marks := make([]setters.Mark, len(r.Values))
	for i, v := range r.Values {
		marks[i] = setters.Mark{Document: r.document, Node: v.Node, Policy: policy, Part: v.Part}
	}
	return marks
}

// chartSource leads from a chart to the HelmRepository that has it.
type chartSource struct {
	chart      string
	repository pinsetter.Name
}

// finder gathers the references of one file.
type finder struct {
	path     string
	sheet    *setters.Sheet
	document setters.Document
	object   pinsetter.Object
	skip     string // why nothing in the file or document gets a marker
	registry string // of Helm values: global.imageRegistry
	file     *File
	pin      bool // an empty digest beside a tag is to be filled
	depth    int  // of a text in a text
	explains bool // there is a comment for Renovate
}

// add adds a reference whose parts are in values of their own. The first value
// decides its line. A part without a node has no value.
func (f *finder) add(kind Kind, image pinsetter.Image, values ...Value) *Reference {
	r := Reference{Path: f.path, Kind: kind, Image: image, Object: f.object, Skipped: f.skip, document: f.document}
	r.document.Root = nil // the references outlive it
	for _, v := range values {
		if v.Node == nil {
			continue
		}
		if r.Line == 0 {
			r.Line = f.document.LineOf(v.Node)
		}
		r.Marked = r.Marked || setters.IsMarked(v.Node)
		r.Values = append(r.Values, v)
	}
	if r.Skipped == "" {
		r.Skipped = f.unfit(&r)
	}
	f.file.References = append(f.file.References, r)
	return &f.file.References[len(f.file.References)-1]
}

// unfit returns why a reference's values can't have markers, or "".
func (f *finder) unfit(r *Reference) string {
	for _, text := range []string{r.Image.Name, r.Image.Tag, r.Image.Digest} {
		switch {
		case strings.Contains(text, "{{"):
			return "it holds a template"
		case strings.Contains(text, "<<"), strings.Contains(text, "$"):
			return "it holds a variable"
		case strings.HasPrefix(text, "ENC["):
			return "it is encrypted"
		}
	}
	tag := strings.ReplaceAll(r.Image.Tag, "+", "_")
	switch {
	case r.Image.Tag == "" && r.Image.Digest != "":
		return "it has a digest and no tag: write the tag too"
	case r.Image.Tag == "":
		return "it has no tag"
	case isRange(r.Image.Tag):
		return "it is a range, which its tool resolves"
	case !pinsetter.ValidTag(tag) || strings.Contains(r.Image.Tag, "+") && r.Kind != KindChart:
		return "its tag is outside the grammar of registries"
	case r.Image.Digest != "" && !pinsetter.ValidDigest(r.Image.Digest):
		return "its digest is none of sha256"
	}
	for _, v := range r.Values {
		if setters.IsMarked(v.Node) {
			continue
		}
		if err := f.sheet.Refuses(f.document, v.Node); err != nil {
			return err.Error()
		}
	}
	return ""
}

// isRange reports whether a version means several.
func isRange(version string) bool {
	return version == "*" || strings.ContainsAny(version, "^~<>=|* ,") ||
		strings.HasSuffix(version, ".x") || strings.HasSuffix(version, ".X")
}

// reference reads "name:tag@digest". Ok is false for anything else, such as a
// sentence or a path.
func reference(text string) (image pinsetter.Image, ok bool) {
	image = setters.ParseReference(text)
	if strings.ContainsAny(text, "{$<") {
		return image, image.Name != "" && !strings.Contains(text, "\n")
	}
	return image, isImageName(image.Name) && (image.Tag == "" || pinsetter.ValidTag(image.Tag)) && (image.Digest == "" || strings.Contains(image.Digest, ":"))
}

// isImageName reports whether a text may name an image: the grammar of the OCI
// distribution specification 1.1 ("Pulling manifests"), behind a host with or
// without a port.
func isImageName(name string) bool {
	host, path, qualified := strings.Cut(name, "/")
	if !qualified {
		host, path = "", name
	}
	if qualified && strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != "" {
		return false
	}
	return path != "" && repositoryPath().MatchString(path) && (!qualified || host != "")
}

var repositoryPath = pinsetter.Pattern(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
