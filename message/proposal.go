package message

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
)

// Proposal is the data for a pull request.
type Proposal struct {
	Data
	Group  string            // "" if all changes share one pull request
	Ranges map[string]string // the range of each policy, for people, by "namespace/name"
	Held   []pinsetter.Hold
	Builds []Build // of the images; unknown ones are missing
}

// Build is where an image comes from, and what changed since another one.
type Build struct {
	Image pinsetter.Image
	pinsetter.Provenance
	Compare string // web address of the changes since Before, "" if unknown

	// Before is the image that Compare starts from; zero if unknown.
	Before pinsetter.Image
}

// defaultBranch is the branch template of an object without one.
const defaultBranch = "pinsetter/{{ .AutomationObject.Name }}{{ with .Group }}/{{ . }}{{ end }}"

// proposalData is "." in a pull request's templates.
type proposalData struct {
	*data
	Group string
}

// Texts are the texts of a PullRequest's pull requests, their templates parsed.
// They are safe for concurrent use.
type Texts struct {
	pullRequest pinsetter.Name // that the templates are of
	title, body *compiled      // nil: there is none
	branch      *compiled
	written     string // the branch's template, as the object has it

	automation pinsetter.Name
	values     map[string]string // the automation's own
	fixed      string            // the branch, whatever the template says; "": the template says
}

// NewTexts parses the templates of a PullRequest of that name. Its error is
// *spec.FieldError values, joined where there are several.
func NewTexts(name pinsetter.Name, s spec.PullRequestSpec) (*Texts, error) {
	t := &Texts{pullRequest: name, written: s.Branch}
	var errs []error
	for _, field := range []struct {
		name, template string
		out            **compiled
	}{
		{"spec.branch", cmp.Or(s.Branch, defaultBranch), &t.branch}, {"spec.title", s.Title, &t.title}, {"spec.body", s.Body, &t.body},
	} {
		if field.template == "" {
			continue
		}
		var err error
		if *field.out, err = compile(field.template); err != nil {
			errs = append(errs, &spec.FieldError{Field: field.name, Err: err})
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if err := t.try(s.GroupBy); err != nil {
		return nil, err
	}
	return t, nil
}

// try says what a trial of the templates finds wrong.
func (t *Texts) try(groupBy spec.GroupBy) error {
	var errs []error
	for _, field := range []struct {
		name     string
		template *compiled
	}{{"spec.title", t.title}, {"spec.body", t.body}} {
		if field.template == nil {
			continue
		}
		if _, err := field.template.render(trial().view(nil)); errors.As(err, new(*unknownField)) {
			errs = append(errs, &spec.FieldError{Field: field.name, Err: err})
		}
	}
	if groupBy == spec.GroupByAutomation && t.written != "" && !strings.Contains(t.written, "{{") {
		if _, err := parseBranch(strings.TrimSpace(t.written)); err != nil {
			errs = append(errs, &spec.FieldError{Field: "spec.branch", Err: err})
		}
	}
	if len(errs) > 0 || groupBy == spec.GroupByAutomation || strings.Contains(t.written, ".Values") { // which the automation knows
		return errors.Join(errs...)
	}
	if _, err := t.Of(pinsetter.Name{Namespace: "a", Name: "a"}, nil, "").Folder(); err != nil {
		return &spec.FieldError{Field: "spec.branch", Err: cmp.Or(errors.Unwrap(err), err)} // which names the field itself
	}
	return nil
}

// Of returns the texts for an automation with those values. The branch is fixed
// where one is given.
func (t *Texts) Of(automation pinsetter.Name, values map[string]string, fixed string) *Texts {
	of := *t
	of.automation, of.values, of.fixed = automation, values, fixed
	return &of
}

// Branch returns the branch of a group's pull request.
func (t *Texts) Branch(group string) (string, error) {
	if t.fixed != "" {
		return t.fixed, nil
	}
	name, err := t.render("spec.branch", t.branch, Proposal{Data: Data{Automation: t.automation}, Group: slug(group)})
	if err != nil {
		return "", err
	}
	name, err = parseBranch(strings.TrimSpace(name))
	if err != nil {
		return "", fmt.Errorf("PullRequest %s: spec.branch: %w", t.pullRequest, err)
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
func (t *Texts) Folder() (string, error) {
	const some, other = "0some", "1other"
	a, err := t.Branch(some)
	if err != nil {
		return "", err
	}
	b, err := t.Branch(other)
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
func (t *Texts) Title(p Proposal) (string, error) {
	title, err := t.render("spec.title", t.title, p)
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

// render renders one of the templates, nothing where there is none.
func (t *Texts) render(field string, template *compiled, p Proposal) (string, error) {
	if template == nil {
		return "", nil
	}
	out, err := template.render(p.view(t.values))
	if err != nil {
		return "", fmt.Errorf("PullRequest %s: %s: %w", t.pullRequest, field, err)
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
func (p Proposal) view(values map[string]string) *proposalData {
	return &proposalData{data: newData(values, p.Data), Group: p.Group}
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
