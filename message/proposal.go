package message

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
)

// Proposal is the data for a pull request.
type Proposal struct {
	Data
	Group  string            // "" if all changes share one pull request
	Ranges map[string]string // the range of each policy, for people, by "namespace/name"
	Held   []pinsetter.Hold
	Builds []Build // of the new and old images; unknown ones are missing
}

// Build is an image's source, as its publisher claims. It is not verified.
type Build struct {
	Image    pinsetter.Image
	Source   string    // org.opencontainers.image.source; "" if there is none
	Revision string    // org.opencontainers.image.revision
	Created  time.Time // zero if there is none
	Compare  string    // web address of the changes since Before, "" if unknown

	// Before is the image that Compare starts from; zero if unknown.
	Before pinsetter.Image
}

// defaultBranch is the branch template of an object without one.
const defaultBranch = "pinsetter/{{ .AutomationObject.Name }}{{ with .Group }}/{{ . }}{{ end }}"

// proposalData is "." in a pull request's templates.
type proposalData struct {
	*data
	Group  string
	Images []proposedImage
}

// proposedImage is a proposed image. Its publisher's claims are reduced to text
// without a meaning in Markdown.
type proposedImage struct {
	Policy, Name, Tag, Digest string
	Source, Revision          string
	Created                   time.Time // zero if unknown
}

// CheckPullRequest returns an error for invalid templates of a PullRequest: one
// *config.FieldError, or several joined. It returns nil if all are valid.
func CheckPullRequest(s spec.PullRequestSpec) error {
	var errs []error
	for _, field := range []struct{ name, template string }{
		{"spec.branch", s.Branch}, {"spec.title", s.Title}, {"spec.body", s.Body},
	} {
		if _, err := parseTemplate(field.template, &budget{}); err != nil {
			errs = append(errs, &spec.FieldError{Field: field.name, Err: err})
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for _, field := range []struct{ name, template string }{{"spec.title", s.Title}, {"spec.body", s.Body}} {
		if _, err := render(field.template, trial().view(spec.ImageUpdateAutomationSpec{})); errors.As(err, new(*unknownField)) {
			errs = append(errs, &spec.FieldError{Field: field.name, Err: err})
		}
	}
	if s.GroupBy == spec.GroupByAutomation && s.Branch != "" && !strings.Contains(s.Branch, "{{") {
		if _, err := parseBranch(strings.TrimSpace(s.Branch)); err != nil {
			errs = append(errs, &spec.FieldError{Field: "spec.branch", Err: err})
		}
	}
	if len(errs) > 0 || s.GroupBy == spec.GroupByAutomation || strings.Contains(s.Branch, ".Values") { // which are known only with the automation
		return errors.Join(errs...)
	}
	if _, err := Folder(&fleet.PullRequest{Spec: s}, pinsetter.Name{Namespace: "a", Name: "a"}, spec.ImageUpdateAutomationSpec{}); err != nil {
		return &spec.FieldError{Field: "spec.branch", Err: cmp.Or(errors.Unwrap(err), err)} // which names the field itself
	}
	return nil
}

// Branch returns the branch of a group's pull request.
func Branch(pr *fleet.PullRequest, automation pinsetter.Name, s spec.ImageUpdateAutomationSpec, group string) (string, error) {
	if pr.FixedBranch != "" {
		return pr.FixedBranch, nil
	}
	text := pr.Spec.Branch
	if text == "" {
		text = defaultBranch
	}
	name, err := renderProposal(pr, "spec.branch", text, s, Proposal{Data: Data{Automation: automation}, Group: slug(group)})
	if err != nil {
		return "", err
	}
	name, err = parseBranch(strings.TrimSpace(name))
	if err != nil {
		return "", fmt.Errorf("PullRequest %s: spec.branch: %w", pr.Name, err)
	}
	return name, nil
}

// maxBranch bounds a branch's name made by a template, in bytes.
const maxBranch = 200

// parseBranch is spec.ParseBranch for a name made by a template.
func parseBranch(text string) (string, error) {
	name, err := spec.ParseBranch(text, "")
	if err == nil && (name == "" || len(name) > maxBranch) {
		err = fmt.Errorf("%q can't be the name of a branch", text)
	}
	return name, err
}

// Folder returns the folder of the branches of all groups. It ends in a slash.
func Folder(pr *fleet.PullRequest, automation pinsetter.Name, s spec.ImageUpdateAutomationSpec) (string, error) {
	const some, other = "0some", "1other"
	a, err := Branch(pr, automation, s, some)
	if err != nil {
		return "", err
	}
	b, err := Branch(pr, automation, s, other)
	if err != nil {
		return "", err
	}
	before, _, found := strings.Cut(a, some)
	folder := before[:strings.LastIndex(before, "/")+1]
	if !found || a == b || folder == "" {
		return "", errors.New("each group needs a branch of its own, in a folder by which they are found: write such as bumps/{{ .Group }}")
	}
	return folder, nil
}

// slug returns a group as one part of a branch's name. Different groups have
// different slugs: a slash becomes "+", and characters that can't stand in a
// branch's name, "+" and "%" become "%" and their bytes in hex.
func slug(group string) string {
	var b strings.Builder
	for i, c := range []byte(group) {
		last := i == len(group)-1
		switch {
		case c == '/':
			b.WriteByte('+')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c >= 0x80, c == '-' && i > 0:
			b.WriteByte(c)
		case c == '.' && i > 0 && !last && group[i-1] != '.' && group[i:] != ".lock":
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// Title returns the title of a pull request, on one line.
func Title(pr *fleet.PullRequest, s spec.ImageUpdateAutomationSpec, p Proposal) (string, error) {
	title, err := renderProposal(pr, "spec.title", pr.Spec.Title, s, p)
	if err != nil {
		return "", err
	}
	if title = strings.Join(strings.Fields(title), " "); title != "" {
		return title, nil
	}
	images := p.distinct()
	switch {
	case len(images) == 1:
		return fmt.Sprintf("Update %s to %s", images[0].Name, shortVersion(images[0])), nil
	case p.Group != "":
		return fmt.Sprintf("Update %d images in %s", len(images), p.Group), nil
	}
	return fmt.Sprintf("Update %d images of %s", len(images), p.Automation), nil
}

// shortVersion returns an image's tag, or else the beginning of its digest.
func shortVersion(i pinsetter.Image) string {
	if i.Tag != "" {
		return i.Tag
	}
	return i.Digest[:min(len(i.Digest), len("sha256:")+12)]
}

// distinct returns the proposed images, sorted, without duplicates.
func (p Proposal) distinct() []pinsetter.Image {
	images := []pinsetter.Image{}
	seen := map[pinsetter.Image]bool{}
	for _, written := range sortedImages(p.Images) {
		if !seen[written.Image] {
			seen[written.Image] = true
			images = append(images, written.Image)
		}
	}
	return images
}

// renderProposal renders one template of a PullRequest. It returns "" if there
// is no template.
func renderProposal(pr *fleet.PullRequest, field, text string, s spec.ImageUpdateAutomationSpec, p Proposal) (string, error) {
	if text == "" {
		return "", nil
	}
	out, err := render(text, p.view(s))
	if err != nil {
		return "", fmt.Errorf("PullRequest %s: %s: %w", pr.Name, field, err)
	}
	return strings.Map(printable, strings.ToValidUTF8(out, "\uFFFD")), nil
}

// trial returns a proposal to try templates with.
func trial() Proposal {
	name := pinsetter.Name{Namespace: "namespace", Name: "name"}
	image := pinsetter.Image{Name: "registry.example/app", Tag: "1.1.0"}
	return Proposal{Group: "group", Data: Data{
		Automation: name,
		Changes:    []pinsetter.Change{{Path: "a.yaml", Line: 1, Setter: "namespace:name", Old: "registry.example/app:1.0.0", New: image.String()}},
		Images:     []Written{{name, image}},
	}}
}

// view returns the data of templates for a proposal.
func (p Proposal) view(s spec.ImageUpdateAutomationSpec) *proposalData {
	view := &proposalData{data: newData(s, p.Data), Group: p.Group}
	for _, written := range sortedImages(p.Images) {
		image := proposedImage{Policy: written.Policy.String(), Name: written.Image.Name, Tag: written.Image.Tag, Digest: written.Image.Digest}
		if build := p.build(written.Image); build != nil {
			image.Source, image.Revision, image.Created = inertSource(build.Source), inertRevision(build.Revision), build.Created
		}
		view.Images = append(view.Images, image)
	}
	return view
}

// build returns the build of an image, or nil if it is unknown.
func (p Proposal) build(image pinsetter.Image) *Build {
	for i := range p.Builds {
		if p.Builds[i].Image == image {
			return &p.Builds[i]
		}
	}
	return nil
}
