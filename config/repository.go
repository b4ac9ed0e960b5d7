package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// repositoryDraft is an ImageRepository whose references are not yet resolved.
type repositoryDraft struct {
	*index.Object
	out        *fleet.Repository
	chart      spec.ChartRepositorySpec // of a ChartRepository
	secretWins bool                     // see registryFields
}

// defaultExclusions are the CRD's; Flux applies them to an empty list as well.
var defaultExclusions = []string{`^.*\.sig$`}

// maxExclusions is the CRD's bound.
const maxExclusions = 25

func (l reader) readRepository(o *index.Object, spec *strict.Node) {
	r := &fleet.Repository{Name: o.Name, Origin: o.Origin, Annotations: o.Annotations}
	draft := &repositoryDraft{Object: o, out: r}
	l.repositories = append(l.repositories, draft)
	d := l.strictSpec(o, spec, &r.Spec)
	if len(r.Spec.ExclusionList) == 0 {
		r.Spec.ExclusionList = defaultExclusions
	}
	if r.Spec.Provider == "" {
		r.Spec.Provider = "generic"
	}
	r.Image, r.Suspended = r.Spec.Image, r.Spec.Suspend
	r.Timeout = r.Spec.Interval.Duration
	if r.Spec.Timeout != nil {
		r.Timeout = r.Spec.Timeout.Duration
	}
	r.Timeout = max(r.Timeout, time.Second)

	if d.require("spec.image", r.Image) {
		if problem := checkImage(r.Image); problem != "" {
			d.fail(codeImage, "spec.image", "%q %s%s", r.Image, problem, o.Hint(r.Image))
		}
	}
	d.requireInterval(strict.Child(spec, "interval"))
	r.Exclude = l.exclusions(d, r.Spec.ExclusionList)
	d.registry(draft.registryFields())
	if access := strict.Child(spec, "accessFrom"); access != nil && r.Spec.AccessFrom != nil && r.Spec.AccessFrom.NamespaceSelectors == nil {
		d.missing("spec.accessFrom.namespaceSelectors")
	}
	d.openSelectors(strict.Child(strict.Child(spec, "accessFrom"), "namespaceSelectors"))
	o.Remember("spec.accessFrom")
}

// openSelectors reports selectors of namespaces whose labels were forgotten: they
// would match every namespace.
func (d *decoder) openSelectors(selectors *strict.Node) {
	if selectors == nil || selectors.Kind != strict.Sequence {
		return
	}
	for i, selector := range selectors.Content {
		if labels := strict.Child(strict.Target(selector), "matchLabels"); labels != nil && strict.IsNull(labels) {
			d.RefuseNull(labels, strict.Item("spec.accessFrom.namespaceSelectors", i)+".matchLabels")
		}
	}
}

// requireInterval reports an interval that is not there.
func (d *decoder) requireInterval(n *strict.Node) {
	if strict.Text(n) == "" {
		d.missing("spec.interval")
	}
}

// exclusions compiles the patterns of an exclusion list, those that can be. Most
// repositories have the same ones, so each is compiled once.
func (l *loader) exclusions(d *decoder, patterns []string) []*pinsetter.Matcher {
	if len(patterns) > maxExclusions {
		d.fail(codeBadValue, "spec.exclusionList", "has %d patterns, and at most %d are allowed: join some with |", len(patterns), maxExclusions)
		patterns = patterns[:maxExclusions]
	}
	compiled := make([]*pinsetter.Matcher, 0, len(patterns))
	for i, pattern := range patterns {
		expression, known := l.patterns[pattern]
		if !known {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				d.fail(codeRegexp, strict.Item("spec.exclusionList", i), "%v%s", err, d.object.Hint(pattern))
				continue
			}
			expression = pinsetter.NewMatcher(compiled)
			l.patterns[pattern] = expression
		}
		d.excludesAll(strict.Item("spec.exclusionList", i), expression.Regexp)
		compiled = append(compiled, expression)
	}
	return compiled
}

// excludesAll warns of an excluding pattern that leaves nothing, as "" does.
func (d *decoder) excludesAll(path string, pattern *regexp.Regexp) {
	for _, text := range []string{"", "1.0.0", "main-2f3a", "V_Z"} {
		if !pattern.MatchString(text) {
			return
		}
	}
	if d.Blamed(path) {
		return
	}
	d.object.Warn(codeRegexp, path, "%q matches everything, so that nothing is left: write what is to be excluded, or remove it", pattern)
}

// registryFields returns what the spec says of the registry.
func (r *repositoryDraft) registryFields() registryFields {
	s := r.out.Spec
	return registryFields{
		provider: s.Provider, secretRef: s.SecretRef, serviceAccountName: s.ServiceAccountName,
		certSecretRef: s.CertSecretRef, proxySecretRef: s.ProxySecretRef, insecure: s.Insecure, credential: s.Credential, secretWins: r.secretWins,
	}
}

// resolveRepository fills in what the repository's references lead to.
func (l *loader) resolveRepository(r *repositoryDraft) {
	if r.out.Index != nil {
		charting{l}.resolveChart(r)
		return
	}
	r.out.Access = l.registryAccess(r.Object, r.registryFields())
	r.out.Err = r.Err()
}

var (
	scheme     = pinsetter.Pattern(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)
	imageHost  = pinsetter.Pattern(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$`)
	imagePath  = pinsetter.Pattern(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`) // OCI distribution 1.1, <name>
	imageUpper = pinsetter.Pattern(`[A-Z]`)
)

// maxImage is what registries accept as host and name together.
const maxImage = 255

// checkImage says what is wrong with the name of an image, "" for nothing.
func checkImage(image string) string {
	if prefix := scheme().FindString(image); prefix != "" {
		return "has a URL scheme: remove " + `"` + prefix + `"`
	}
	if name, digest, found := strings.Cut(image, "@"); found {
		return "has a digest: remove " + `"@` + digest + `" and keep "` + name + `"; a policy selects what is written`
	}
	slash := strings.LastIndex(image, "/")
	if i := strings.LastIndex(image, ":"); i > slash {
		return "has a tag: remove " + `"` + image[i:] + `"; a policy selects tags`
	}
	path := image
	if host, rest, found := strings.Cut(image, "/"); found && (strings.ContainsAny(host, ".:") || host == "localhost") {
		if !imageHost().MatchString(host) {
			return "has no valid host and port before the first /"
		}
		path = rest
	}
	switch {
	case len(image) > maxImage:
		return "is longer than 255 characters"
	case imagePath().MatchString(path):
		return ""
	case imagePath().MatchString(strings.ToLower(path)) && imageUpper().MatchString(path):
		return "has upper-case letters, and the name of an image has none"
	}
	return "is not the name of an image: write host/name, such as ghcr.io/org/app"
}
