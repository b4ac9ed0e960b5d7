package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/spec"
)

// sourceKey is equal for rules that can share an ImageRepository.
func (r *rule) sourceKey() string {
	return fmt.Sprint(r.Image, "\n", r.Exclude, "\n", r.Secret, "\n", r.Interval)
}

// names are what the objects of rules are called.
type names struct {
	taken  map[pinsetter.Object]bool
	images map[pinsetter.Object]string // whose image a new name stands for
	in     string                      // the namespace
	byRule map[string]string           // ImagePolicies, by rule.key
	bySite map[string]string           // ImageRepositories, by rule.sourceKey
}

// newNames names the objects of rules in their order. Taken are the names that
// objects have already.
func newNames(in string, taken map[pinsetter.Object]bool, rules []*rule) *names {
	n := &names{taken: taken, in: in, images: map[pinsetter.Object]string{}, byRule: map[string]string{}, bySite: map[string]string{}}
	for _, r := range rules {
		if n.bySite[r.sourceKey()] == "" {
			n.bySite[r.sourceKey()] = n.free("ImageRepository", r.Image, "")
		}
		if n.byRule[r.key()] == "" {
			n.byRule[r.key()] = n.free("ImagePolicy", r.Image, r.trait())
		}
	}
	return n
}

// free returns a name for an image that no object of a kind has, and takes it: the
// last part of the image; with more of its path where another image has that name;
// with what is special about the rule; and with a number.
func (n *names) free(kind, image, trait string) string {
	short := objectName(path.Base(image))
	try := []string{short}
	other := n.images[pinsetter.Object{Kind: kind, Namespace: n.in, Name: short}]
	if parent := path.Dir(image); parent != "." && other != "" && other != image {
		try = append(try, objectName(path.Base(parent)+"-"+path.Base(image)))
	}
	if trait != "" {
		try = append(try, objectName(short+"-"+trait))
	}
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s-%d", short, i-len(try)+2)
		if i < len(try) {
			name = try[i]
		}
		o := pinsetter.Object{Kind: kind, Namespace: n.in, Name: name}
		if !n.taken[o] {
			n.taken[o], n.images[o] = true, image
			return name
		}
	}
}

// trait is what tells a rule from others of its image, in a word or two.
func (r *rule) trait() string {
	for _, g := range r.Gates {
		if g.Spec.MaxBump != "" {
			return string(g.Spec.MaxBump)
		}
	}
	if r.Filter != nil {
		return strings.Trim(literal().FindString(r.Filter.Pattern), "^-$")
	}
	return ""
}

// literal matches the word that a pattern begins or ends with.
var literal = pinsetter.Pattern(`^\^[a-z]{2,20}|-[a-z]{2,20}\$$`)

func (n *names) name(name string) pinsetter.Name {
	return pinsetter.Name{Namespace: n.in, Name: name}
}

// policy returns the name of a rule's ImagePolicy.
func (n *names) policy(r *rule) pinsetter.Name { return n.name(n.byRule[r.key()]) }

// The labels by which a Gate or an automation selects its policies.
const (
	gateLabel     = "gates.pinsetter.dev/"
	deliveryLabel = "pinsetter.dev/automation"
)

// objects returns the objects of rules.
func (n *names) objects(rules []*rule, git Git) []adopt.Object {
	byName := map[pinsetter.Object]adopt.Object{}
	add := func(o adopt.Object) {
		byName[pinsetter.Object{Kind: o.Kind, Namespace: o.Name.Namespace, Name: o.Name.Name}] = o
	}
	deliveries := deliveriesOf(rules)
	for _, r := range rules {
		add(n.repository(r))
		add(n.imagePolicy(r, git, len(deliveries) > 1))
		for _, g := range r.Gates {
			s := g.Spec
			s.PolicySelector = &spec.LabelSelector{MatchLabels: map[string]string{gateLabel + g.Name: "true"}}
			add(adopt.Gate(n.name(g.Name), s))
		}
	}
	if git.Name == "" {
		deliveries = nil // nobody knows where the values are
	}
	for _, d := range deliveries {
		if d.isCommon() && git.Automation != "" {
			continue
		}
		add(n.automation(d, git, len(deliveries) > 1 || git.Automation != ""))
		if d.Proposal != nil {
			s := *d.Proposal
			s.AutomationRef.Name = d.name()
			add(adopt.PullRequest(n.name(d.name()), s))
		}
	}
	if git.URL != "" && len(rules) > 0 {
		add(adopt.GitRepository(n.name(git.Name), git.URL, git.Branch))
	}
	all := make([]adopt.Object, 0, len(byName))
	for _, o := range byName {
		all = append(all, o)
	}
	return all
}

// deliveriesOf returns the deliveries of rules, sorted by name.
func deliveriesOf(rules []*rule) []delivery {
	var all []delivery
	for _, r := range rules {
		if !slices.ContainsFunc(all, func(d delivery) bool { return d.name() == r.Delivery.name() }) {
			all = append(all, r.Delivery)
		}
	}
	slices.SortFunc(all, func(a, b delivery) int { return cmp.Compare(a.name(), b.name()) })
	return all
}

func (n *names) repository(r *rule) adopt.Object {
	s := spec.ImageRepositorySpec{Image: r.Image, Interval: spec.Duration{Duration: r.Interval}, ExclusionList: r.Exclude}
	if r.Secret != "" {
		s.SecretRef = &spec.LocalObjectReference{Name: r.Secret}
	}
	return adopt.Repository(n.name(n.bySite[r.sourceKey()]), s)
}

// imagePolicy returns a rule's ImagePolicy; several says that it is one
// automation's among others.
func (n *names) imagePolicy(r *rule, git Git, several bool) adopt.Object {
	s := r.policySpec()
	s.ImageRepositoryRef.Name = n.bySite[r.sourceKey()]
	o := adopt.Policy(n.policy(r), s)
	o.Labels = map[string]string{}
	for _, g := range r.Gates {
		o.Labels[gateLabel+g.Name] = "true"
	}
	switch {
	case git.Automation != "" && r.Delivery.isCommon():
		maps.Copy(o.Labels, git.Labels)
	case several || git.Automation != "":
		o.Labels[deliveryLabel] = r.Delivery.name()
	}
	return o
}

func (n *names) automation(d delivery, git Git, several bool) adopt.Object {
	s := spec.ImageUpdateAutomationSpec{
		Interval:  spec.Duration{Duration: defaultInterval},
		SourceRef: spec.CrossNamespaceSourceReference{Kind: "GitRepository", Name: git.Name},
		GitSpec:   &spec.GitSpec{Commit: spec.CommitSpec{Author: spec.CommitUser{Name: "Pinsetter", Email: "pinsetter@users.noreply." + cmp.Or(git.Host, "localhost")}}},
		Update:    &spec.UpdateStrategy{Path: "./" + strings.TrimPrefix(git.Folder, "."), Strategy: spec.UpdateStrategySetters},
	}
	if d.Base != "" && d.Base != git.Branch {
		s.GitSpec.Checkout = &spec.GitCheckoutSpec{Reference: spec.GitRepositoryRef{Branch: d.Base}}
	}
	if d.Push != "" {
		s.GitSpec.Push = &spec.PushSpec{Branch: d.Push}
	}
	if several {
		s.PolicySelector = &spec.LabelSelector{MatchLabels: map[string]string{deliveryLabel: d.name()}}
	}
	return adopt.Automation(n.name(d.name()), s)
}
