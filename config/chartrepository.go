package config

import (
	"cmp"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// helmSpec is what is used of a HelmRepository's spec.
type helmSpec struct {
	URL           string                     `json:"url"`
	Type          string                     `json:"type"`
	SecretRef     *spec.LocalObjectReference `json:"secretRef"`
	CertSecretRef *spec.LocalObjectReference `json:"certSecretRef"`
	Timeout       *spec.Duration             `json:"timeout"`
	Suspend       bool                       `json:"suspend"`

	// Of type oci only:
	Provider   string           `json:"provider"`
	Insecure   bool             `json:"insecure"`
	Credential *spec.Credential `json:"credential"` // RFC 0014 of Flux
}

// The types of a HelmRepository.
const (
	helmHTTP = "default"
	helmOCI  = "oci"
)

// helmDraft is a HelmRepository. Only one that a ChartRepository uses is judged.
type helmDraft struct {
	*index.Object
	spec helmSpec
}

// defaultHelmTimeout is the CRD's.
const defaultHelmTimeout = 60 * time.Second

func (l reader) readHelm(o *index.Object, n *strict.Node) {
	h := &helmDraft{Object: o}
	l.helms[o.Name] = h
	if n != nil {
		l.decoder(o).lenientDecode(n, reflect.ValueOf(&h.spec).Elem(), "spec")
		o.Remember("spec.url", "spec.secretRef.name", "spec.certSecretRef.name", "spec.type", "spec.provider")
	}
	o.Unused = o.Findings // they matter where it is used
	o.Findings = nil
}

func (l reader) readChart(o *index.Object, n *strict.Node) {
	r := &fleet.Repository{Name: o.Name, Origin: o.Origin, Annotations: o.Annotations, Chart: true, Index: &fleet.Index{}}
	draft := &repositoryDraft{Object: o, out: r}
	l.repositories = append(l.repositories, draft)
	d := l.strictSpec(o, n, &draft.chart)
	c := draft.chart
	if c.SourceRef.Kind != "" && c.SourceRef.Kind != claim.KindHelmRepository {
		d.fail(codeBadValue, "spec.sourceRef.kind", "%q is not %s: a chart that an OCIRepository pulls is followed by an ImageRepository", c.SourceRef.Kind, claim.KindHelmRepository)
	}
	d.reference("spec.sourceRef.name", c.SourceRef.Name)
	d.namespace("spec.sourceRef.namespace", c.SourceRef.Namespace)
	if d.require("spec.chart", c.Chart) && !chartName().MatchString(c.Chart) {
		d.fail(codeBadValue, "spec.chart", "%q is not the name of a chart%s", c.Chart, o.Hint(c.Chart))
	}
	d.requireInterval(strict.Child(n, "interval"))
	r.Spec.Interval, r.Spec.Suspend, r.Suspended = c.Interval, c.Suspend, c.Suspend
	r.Index.Chart, r.Index.Deprecated = c.Chart, c.Deprecated
	o.Remember("spec.sourceRef.name", "spec.chart", "spec.deprecated")
}

// chartName is the grammar of Helm's names of charts, capitals added: old ones have
// them (https://helm.sh/docs/chart_best_practices/conventions/).
var chartName = pinsetter.Pattern(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)

// resolveChart finds the index or the registry of a ChartRepository, and how it is
// reached.
func (l charting) resolveChart(r *repositoryDraft) {
	const field = helmField
	ref := r.chart.SourceRef
	key := index.Key{Kind: claim.KindHelmRepository, Name: pinsetter.Name{Namespace: cmp.Or(ref.Namespace, r.Name.Namespace), Name: ref.Name}}
	h := l.helms[key.Name]
	switch {
	case !index.ValidName(ref.Name): // reported
	case !l.mayCross(r.Object, field, key):
	case h == nil || h.Outdated:
		l.missing(r.Object, field, key)
	default:
		l.useHelm(r, h)
	}
	r.out.Err = r.Err()
}

// useHelm fills in what a HelmRepository says. What is wrong with it is reported to
// the ChartRepository.
func (l charting) useHelm(r *repositoryDraft, h *helmDraft) {
	used := *h.Object
	used.Findings = append(slices.Clone(h.Unused), h.Twins...)
	if used.Broken() {
		r.Fail(codeMissingObject, helmField, "%s has errors: %s", h, used.FirstError().String())
		return
	}
	out := r.out
	out.Suspended = out.Suspended || h.spec.Suspend
	out.Timeout = defaultHelmTimeout
	if h.spec.Timeout != nil {
		out.Timeout = max(h.spec.Timeout.Duration, time.Second)
	}
	asking := *h.Object
	asking.Findings = nil
	isOCI := strings.HasPrefix(h.spec.URL, ociScheme)
	switch h.spec.Type {
	case helmOCI:
		l.useCharts(r, h, &asking)
	case "", helmHTTP:
		if isOCI {
			r.Fail(codeURL, helmField, "spec.url of %s (%s) is of an OCI registry: write type: oci there, without which Flux asks for an index", h, h.Place())
			return
		}
		l.useIndex(r, h, &asking)
	default:
		r.Fail(codeBadValue, helmField, "spec.type of %s (%s) is %q: write oci or default", h, h.Place(), h.spec.Type)
	}
	for _, f := range asking.Findings {
		r.Add(f)
	}
}

// helmField is what a ChartRepository refers to a HelmRepository by.
const helmField = "spec.sourceRef.name"

// useIndex is useHelm for a repository over HTTP.
func (l charting) useIndex(r *repositoryDraft, h *helmDraft, asking *index.Object) {
	u, err := url.Parse(h.spec.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		r.Fail(codeURL, helmField, "spec.url of %s (%s) is not an http or https URL%s", h, h.Place(), h.Hint(h.spec.URL))
		return
	case u.User != nil:
		r.Fail(codeURL, helmField, "spec.url of %s (%s) holds a user: move it to the Secret of its spec.secretRef", h, h.Place())
		return
	}
	out := r.out
	out.Index.URL, out.Image = h.spec.URL, pinsetter.ChartImage(h.spec.URL, out.Index.Chart)
	if ref := h.spec.SecretRef; ref != nil {
		if with := l.secret(asking, "spec.secretRef.name", ref.Name); with != nil && with.Need("username", "an index is logged in to by name") {
			out.Index.Username, out.Index.Password = with.PlainLine("username"), with.Line("password")
		}
	}
	if ref := h.spec.CertSecretRef; ref != nil {
		out.Access.TLS = l.certificates(asking, "spec.certSecretRef.name", ref.Name)
	}
}

// useCharts is useHelm for a registry: the chart is an image there.
func (l charting) useCharts(r *repositoryDraft, h *helmDraft, asking *index.Object) {
	path, isOCI := strings.CutPrefix(h.spec.URL, ociScheme)
	if !isOCI {
		r.Fail(codeURL, helmField, "spec.url of %s (%s) is of type oci and does not begin with oci://%s", h, h.Place(), h.Hint(h.spec.URL))
		return
	}
	out := r.out
	out.Image = strings.TrimSuffix(path, "/") + "/" + out.Index.Chart
	if problem := checkImage(out.Image); problem != "" {
		r.Fail(codeURL, helmField, "the chart of %s (%s) is %q, which %s", h, h.Place(), out.Image, problem)
	}
	if out.Index.Deprecated {
		r.Warn(codeIgnored, "spec.deprecated", "has no effect: a registry doesn't say which versions are deprecated")
	}
	out.Index = nil
	out.Exclude = l.exclusions(l.decoder(r.Object), defaultExclusions)
	host, _, _ := strings.Cut(path, "/")
	fields := registryFields{provider: h.spec.Provider, secretRef: h.spec.SecretRef, certSecretRef: h.spec.CertSecretRef,
		insecure: h.spec.Insecure, credential: h.spec.Credential, secretWins: true, host: host}
	l.decoder(asking).registry(fields)
	out.Access = l.registryAccess(asking, fields)
}

// oneKind reports ImageRepositories and ChartRepositories that share a name: a policy
// refers to them by it.
func (l charting) oneKind() {
	first := map[pinsetter.Name]*repositoryDraft{}
	for _, r := range l.repositories {
		other := first[r.Name]
		if other == nil {
			first[r.Name] = r
			continue
		}
		r.Fail(index.CodeDuplicateObject, "", "has the name of %s (%s), and a policy refers to either by its name: rename one", other, other.Place())
		other.Fail(index.CodeDuplicateObject, "", "has the name of %s (%s), and a policy refers to either by its name: rename one", r, r.Place())
	}
}
