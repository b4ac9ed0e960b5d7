package config

import (
	"cmp"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/source"
)

// Load reads objects from files and resolves what they refer to. It never
// fails: what is wrong is in the set's Findings and in each object's Err, all at
// once, and a bad object takes only what needs it out of the run. Documents of
// other kinds are passed over.
func Load(files []source.File, opts Options) *fleet.Set {
	opts.Namespace = cmp.Or(opts.Namespace, "default")
	l := &loader{
		opts:       opts,
		patterns:   map[string]*pinsetter.Matcher{},
		namespaces: map[string]*index.Object{},
		gits:       map[pinsetter.Name]*gitDraft{},
		helms:      map[pinsetter.Name]*helmDraft{},
		resolved:   map[pinsetter.Name]*fleet.GitSource{},
		providers:  map[pinsetter.Name]*providerDraft{},
		sentTo:     map[pinsetter.Name]*fleet.Provider{},
	}
	l.Index = index.New(index.Options{
		Namespace: opts.Namespace, Unread: opts.Unread, Filled: opts.Filled, OtherFlux: opts.OtherFlux, Artifacts: opts.Artifacts,
		NoNotifications: opts.Notifications == NotificationsIgnored, Advisory: opts.Notifications == NotificationsChecked,
		Take: reader{l}.read,
	})
	l.vault = newVault(l.Index, opts)
	fingerprint := l.Add(files, opts.NoCrossNamespaceRefs)
	l.openSecretDirs()
	defer l.closeSecretDirs()
	s := l.set()
	s.Fingerprint = fingerprint
	return s
}

// loader is one run of Load. First every document is decoded and checked by
// itself (reader), then references are resolved: Secrets by the vault, those to
// PullRequests by an attachment, those of notifications by a messenger.
type loader struct {
	*index.Index
	*vault
	opts     Options
	patterns map[string]*pinsetter.Matcher

	repositories []*repositoryDraft
	policies     []*policyDraft
	automations  []*automationDraft
	gates        []*gateDraft
	pullRequests []*pullRequestDraft
	gits         map[pinsetter.Name]*gitDraft
	artifacts    []*ociDraft

	helms      map[pinsetter.Name]*helmDraft
	resolved   map[pinsetter.Name]*fleet.GitSource
	receivers  []*receiverDraft
	alerts     []*alertDraft
	providers  map[pinsetter.Name]*providerDraft
	sentTo     map[pinsetter.Name]*fleet.Provider
	namespaces map[string]*index.Object
}

// Parts of a loader's work.
type (
	reader     struct{ *loader }
	attachment struct{ *loader }
	charting   struct{ *loader }
	messenger  struct{ *loader }
)

// set resolves what was loaded.
func (l *loader) set() *fleet.Set {
	s := &fleet.Set{}
	charting{l}.oneKind()
	repositories := make(map[pinsetter.Name]*repositoryDraft, len(l.repositories))
	for _, r := range l.repositories {
		l.resolveRepository(r)
		repositories[r.out.Name] = r
		s.Repositories = append(s.Repositories, r.out)
	}
	for _, p := range l.policies {
		l.resolvePolicy(p, repositories)
		s.Policies = append(s.Policies, p.out)
	}
	for _, a := range l.artifacts { // which automations need
		l.resolveOCI(a)
		if l.opts.Artifacts {
			s.Artifacts = append(s.Artifacts, a.out)
		}
	}
	l.apartAutomations()
	for _, a := range l.automations {
		l.resolveAutomation(a)
		s.Automations = append(s.Automations, a.out)
	}
	for _, g := range l.gates {
		l.resolveGate(g)
		s.Gates = append(s.Gates, g.out)
	}
	for _, p := range l.pullRequests { // all are attached before any is judged
		attachment{l}.resolvePullRequest(p)
		s.PullRequests = append(s.PullRequests, p.out)
	}
	s.Sources = len(l.gits)
	s.PublicKeys = material(l, secret.PublicKeyFiles, (*secret.Reader).PublicKeys)
	s.Notations = material(l, secret.TrustPolicyFile, (*secret.Reader).Notation)
	s.TrustedRoots = material(l, secret.TrustedRootFile, (*secret.Reader).TrustedRoot)
	messenger{l}.setNotifications(s)
	slices.SortFunc(s.Repositories, func(a, b *fleet.Repository) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Policies, func(a, b *fleet.Policy) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Automations, func(a, b *fleet.Automation) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Artifacts, func(a, b *fleet.OCISource) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Gates, func(a, b *fleet.Gate) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.PullRequests, func(a, b *fleet.PullRequest) int { return a.Name.Compare(b.Name) })
	s.Missing = l.gaps(s)
	s.Findings = l.Findings
	for _, o := range l.Objects {
		for _, f := range o.Said() {
			f.Object = pinsetter.Object{Kind: o.Kind, Namespace: o.Name.Namespace, Name: o.Name.Name}
			s.Findings = append(s.Findings, f)
		}
	}
	slices.SortFunc(s.Findings, pinsetter.Finding.Compare)
	return s
}
