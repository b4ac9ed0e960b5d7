package migrate

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/spec"
)

// rule is how an image is followed: what another tool was told, in the words of
// our objects. Equal rules become one ImagePolicy.
type rule struct {
	Image    string // of the ImageRepository
	Interval time.Duration
	Exclude  []string // the exclusionList
	Secret   string   // for the registry

	Policy spec.ImagePolicyChoice
	Filter *spec.TagFilter
	Digest spec.ReflectionPolicy

	Gates    []gateRule // sorted by name
	Delivery delivery
}

// gateRule is one demand on a rule's candidates. Equal ones become one Gate.
type gateRule struct {
	Name string
	Spec spec.GateSpec
}

// delivery is how changes reach the branch. Equal ones become one
// ImageUpdateAutomation, and a PullRequest where Proposal is set.
type delivery struct {
	Name     string // "" is the common one
	Base     string // the branch that is read; "" is that of the GitRepository
	Push     string // the branch that is written; "" is the base
	Proposal *spec.PullRequestSpec
}

// The interval at which an image is listed where the other tool says nothing.
const defaultInterval = 5 * time.Minute

// key is equal for equal rules.
func (r *rule) key() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // a struct of texts and numbers
	}
	return string(text)
}

// add adds a gate, sorted by name.
func (r *rule) add(g gateRule) {
	r.Gates = append(r.Gates, g)
	slices.SortFunc(r.Gates, func(a, b gateRule) int { return cmp.Compare(a.Name, b.Name) })
}

// policySpec is the spec of the rule's ImagePolicy, without its reference.
func (r *rule) policySpec() spec.ImagePolicySpec {
	s := spec.ImagePolicySpec{Policy: r.Policy, FilterTags: r.Filter, DigestReflectionPolicy: r.Digest}
	if r.Digest == spec.ReflectAlways {
		s.Interval = &spec.Duration{Duration: r.Interval}
	}
	return s
}

// check returns why the rule's policy is no policy, or nil.
func (r *rule) check() error {
	if _, err := policy.New(r.policySpec()); err != nil {
		return err
	}
	for _, pattern := range r.Exclude {
		if _, err := regexp.Compile(pattern); err != nil {
			return err
		}
	}
	if len(r.Exclude) > maxExclusions {
		return fmt.Errorf("an exclusionList has at most %d patterns, and %d would be needed", maxExclusions, len(r.Exclude))
	}
	return nil
}

// takes reports whether a tag is a candidate of the rule.
func (r *rule) takes(tag string) bool {
	p, err := policy.New(r.policySpec())
	if err != nil {
		return false
	}
	for _, pattern := range r.Exclude {
		if matched, err := regexp.MatchString(pattern, tag); matched || err != nil {
			return false
		}
	}
	ranking, err := p.Rank(policy.NewTags([]string{tag}))
	if err != nil {
		return false
	}
	_, found := ranking.Best()
	return found
}

// describe says what the rule is, for people.
func (r *rule) describe() string {
	var text string
	switch {
	case r.Policy.SemVer != nil:
		text = "semver " + r.Policy.SemVer.Range
	case r.Policy.Numerical != nil:
		text = "numerical " + cmp.Or(r.Policy.Numerical.Order, spec.OrderAscending)
	default:
		text = "alphabetical " + cmp.Or(r.Policy.Alphabetical.Order, spec.OrderAscending)
	}
	if r.Filter != nil {
		text += " of " + r.Filter.Pattern
		if r.Filter.Extract != "" {
			text += " by " + r.Filter.Extract
		}
	}
	if len(r.Exclude) > 0 {
		text += ", without " + strings.Join(r.Exclude, " ")
	}
	if r.Digest != "" {
		text += ", digest " + string(r.Digest)
	}
	for _, g := range r.Gates {
		text += ", Gate " + g.Name
	}
	switch d := r.Delivery; {
	case d.Proposal != nil:
		text += ", PullRequest " + d.name()
	case d.Push != "":
		text += ", to branch " + d.Push
	}
	return text
}

// commonDelivery is the name of what has no name of its own.
const commonDelivery = "images"

// isCommon reports whether changes go straight to the branch that is read.
func (d delivery) isCommon() bool {
	return d.Name == "" && d.Base == "" && d.Push == "" && d.Proposal == nil
}

func (d delivery) name() string { return cmp.Or(d.Name, commonDelivery) }

// maxExclusions is the most that an exclusionList may have.
const maxExclusions = 25

// signatures is what an exclusionList excludes by default. A list that is written
// replaces it.
const signatures = `^.*\.sig$`

// digestOf is the rule that follows the digest of one tag.
func digestOf(image, tag string) *rule {
	return &rule{
		Image:    image,
		Interval: defaultInterval,
		Policy:   spec.ImagePolicyChoice{Alphabetical: &spec.AlphabeticalPolicy{Order: spec.OrderAscending}},
		Filter:   &spec.TagFilter{Pattern: "^" + regexp.QuoteMeta(tag) + "$"},
		Digest:   spec.ReflectAlways,
	}
}

// versions is the rule that takes the greatest version in a range.
func versions(image, span string) *rule {
	return &rule{
		Image:    image,
		Interval: defaultInterval,
		Policy:   spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: span}},
	}
}

// sorted is the rule that takes the last of the alphabet.
func sorted(image string) *rule {
	return &rule{
		Image:    image,
		Interval: defaultInterval,
		Policy:   spec.ImagePolicyChoice{Alphabetical: &spec.AlphabeticalPolicy{Order: spec.OrderAscending}},
	}
}

// maxBump is the gate that refuses larger steps.
func maxBump(b spec.Bump) gateRule {
	return gateRule{Name: "max-" + string(b), Spec: spec.GateSpec{MaxBump: b}}
}

// minAge is the gate that refuses younger tags.
func minAge(age time.Duration) gateRule {
	return gateRule{Name: objectName(fmt.Sprintf("min-age-%gh", age.Hours())), Spec: spec.GateSpec{MinAge: &spec.Duration{Duration: age}, MinAgeFrom: spec.AgeFromFirstSeen}}
}

// platforms is the gate that demands platforms.
func platforms(names []string) gateRule {
	names = slices.Sorted(slices.Values(names))
	return gateRule{Name: objectName("platforms-" + strings.Join(names, "-")), Spec: spec.GateSpec{Platforms: names}}
}

// windows is the gate that is open at times alone.
func windows(w []spec.GateWindow) gateRule {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // a struct of texts and numbers
	}
	return gateRule{Name: fmt.Sprintf("windows-%x", sha256.Sum256(text))[:len("windows-")+6], Spec: spec.GateSpec{Windows: w}}
}

// foreign matches what the name of an object may not have.
var foreign = pinsetter.Pattern(`[^a-z0-9]+`)

// objectName makes a name that an object may have (RFC 1123) of any text.
func objectName(text string) string {
	name := strings.Trim(foreign().ReplaceAllString(strings.ToLower(text), "-"), "-")
	if len(name) > 50 { // a label's value has at most 63, and something may be added
		name = strings.Trim(name[:50], "-")
	}
	return cmp.Or(name, "image")
}

// forges are how the hosts of forges are called, and their providers. Those that
// pinsetter knows need none.
var forges = []struct{ part, provider string }{
	{"github.com", ""}, {"gitlab.com", ""}, {"codeberg.org", ""}, {"gitea.com", ""}, {".ghe.com", ""},
	{"github", "github"}, {"gitlab", "gitlab"}, {"gitea", "gitea"}, {"forgejo", "gitea"},
}

// proposed is a delivery by pull requests. Where the forge can't be told from the
// repository's address, it is a branch, which nothing merges by itself.
func (t *translation) proposed(name string, p spec.PullRequestSpec) delivery {
	for _, f := range forges {
		if strings.Contains(strings.ToLower(t.tree.Git.Host), f.part) {
			if p.Provider == "" {
				p.Provider = f.provider
			}
			return delivery{Name: name, Proposal: &p}
		}
	}
	if p.Provider != "" {
		return delivery{Name: name, Proposal: &p}
	}
	return delivery{Name: name, Push: "pinsetter/" + name}
}
