package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// pullRequestDraft is a PullRequest whose references are not yet resolved.
type pullRequestDraft struct {
	*index.Object
	out        *fleet.PullRequest
	unsure     bool             // which automation is meant can't be told
	automation *automationDraft // that is meant; nil: it can't be told, or isn't there
	lost       bool             // it isn't there
}

func (l reader) readPullRequest(o *index.Object, n *strict.Node) {
	p := &fleet.PullRequest{Name: o.Name, Origin: o.Origin}
	draft := &pullRequestDraft{Object: o, out: p}
	l.pullRequests = append(l.pullRequests, draft)
	d := pullRequestDecoder{l.strictSpec(o, n, &p.Spec)}
	d.reference("spec.automationRef.name", p.Spec.AutomationRef.Name)
	draft.unsure = d.Blamed("spec.automationRef.name") || !index.ValidName(p.Spec.AutomationRef.Name)
	d.groupBy(&p.Spec)
	d.people("spec.labels", p.Spec.Labels)
	d.people("spec.reviewers", p.Spec.Reviewers)
	d.people("spec.assignees", p.Spec.Assignees)
	d.forge(&p.Spec)
	if !d.Blamed("spec") {
		var err error
		p.Texts, err = message.NewTexts(p.Name, p.Spec)
		d.wrong(codeTemplate, err)
	}
	o.Remember("spec.automationRef", "spec.automationRef.name", "spec.groupBy", "spec.branch", "spec.provider",
		"spec.address", "spec.secretRef.name", "spec.verifiedCommits")
}

func (d pullRequestDecoder) groupBy(s *spec.PullRequestSpec) {
	switch s.GroupBy {
	case "":
		s.GroupBy = spec.GroupByAutomation
	case spec.GroupByAutomation, spec.GroupByPolicy, spec.GroupByDirectory:
	default:
		d.fail(codeBadValue, "spec.groupBy", "%q is not %s, %s or %s%s", s.GroupBy,
			spec.GroupByAutomation, spec.GroupByPolicy, spec.GroupByDirectory, d.object.Hint(string(s.GroupBy)))
	}
}

// people checks a list of names that a forge is given.
func (d pullRequestDecoder) people(path string, names []string) {
	d.notEmpty(path, names != nil, len(names))
	for i, name := range names {
		if name == "" || name != strings.TrimSpace(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			d.fail(codeBadValue, strict.Item(path, i), "%q is not a name%s", name, d.object.Hint(name))
		}
	}
}

// forges are the providers of pull requests.
var forges = []string{fleet.ForgeGitHub, fleet.ForgeGitLab, fleet.ForgeGitea}

func (d pullRequestDecoder) forge(s *spec.PullRequestSpec) {
	if s.Provider != "" && !slices.Contains(forges, s.Provider) {
		d.fail(codeBadValue, "spec.provider", "%q is not one of %s%s", s.Provider, strings.Join(forges, ", "), d.object.Hint(s.Provider))
	}
	if s.Address != "" {
		u, err := url.Parse(s.Address)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || strings.Trim(u.Path, "/") == "" || u.User != nil {
			d.fail(codeURL, "spec.address", "is not the web address of a repository: write https://HOST/OWNER/NAME%s", d.object.Hint(s.Address))
		}
	}
	d.optionalReference("spec.secretRef", s.SecretRef)
	if s.VerifiedCommits && s.Provider != "" && s.Provider != fleet.ForgeGitHub {
		d.fail(codeUnsupported, "spec.verifiedCommits", "is for GitHub alone: a commit is signed elsewhere by the automation's spec.git.commit.signingKey")
	}
}

// resolvePullRequest finds the automation that is meant, and where its pull
// requests go.
func (l attachment) resolvePullRequest(p *pullRequestDraft) {
	if p.automation = l.meant(p); p.automation != nil {
		l.attach(p, p.automation)
	}
	p.out.Err = p.Err()
}

// gap returns what p may mean where it can't be relied on: it has errors, that it
// names no automation which was given among them. It is nil otherwise.
func (p *pullRequestDraft) gap(r fleet.Reach) *fleet.Gap {
	cause := p.FirstError()
	if cause == nil {
		return nil
	}
	gap := &fleet.Gap{
		Place: fmt.Sprintf("%s:%d", cause.Path, cause.Line), Guard: fleet.GuardPullRequest,
		Why: fmt.Sprintf("its %s has errors", p), WayOut: untilErrors,
	}
	name := pinsetter.Name{Namespace: p.Name.Namespace, Name: p.out.Spec.AutomationRef.Name}
	switch {
	case p.lost:
		gap.Why, gap.WayOut = fmt.Sprintf("%s names an automation that was not given and may be meant for it", p), untilAttached
		gap.Scope = r.OfAutomation(name)
	case p.automation == nil, p.Has(codeDuplicateKey):
		gap.Why = fmt.Sprintf("%s has errors and may be meant for it", p)
		gap.Scope = r.InNamespace(fleet.GuardPullRequest, name.Namespace)
	case p.Has(index.CodeDuplicateObject):
		gap.Scope = r.OfAutomation(name)
	}
	if p.automation != nil {
		gap.Scope = gap.Scope.With(p.automation.out)
	}
	return gap
}

// meant returns the automation that a PullRequest names, nil after reporting
// that there is none.
func (l attachment) meant(p *pullRequestDraft) *automationDraft {
	if p.unsure {
		return nil // reported
	}
	name := pinsetter.Name{Namespace: p.Name.Namespace, Name: p.out.Spec.AutomationRef.Name}
	i := slices.IndexFunc(l.automations, func(a *automationDraft) bool { return a.Name == name })
	if i < 0 {
		if p.lost = !mayBeUnused(p.Object); p.lost {
			p.Fail(codeMissingObject, "spec.automationRef.name", "%s; nothing that it may mean is pushed until %s",
				l.NotGiven(p.Object, index.Key{Kind: claim.KindImageUpdateAutomation, Name: name}), untilAttached)
		}
		return nil
	}
	return l.automations[i]
}

// attach makes p the automation's.
func (l attachment) attach(p *pullRequestDraft, a *automationDraft) {
	if a.artifact != nil {
		p.Fail(codeUnsupported, "spec.automationRef.name", "%s (%s) delivers artifacts, which have no pull requests, and delivers none while this object names it: remove this object, or propose changes in Git by an %s", a, a.Place(), claim.KindImageUpdateAutomation)
		return
	}
	if first := a.out.PullRequest; first != nil {
		p.Fail(index.CodeDuplicateObject, "spec.automationRef.name", "%s has PullRequest %s (%s:%d) already: keep one",
			a, first.Name, first.Origin.Path, first.Origin.Line)
		return
	}
	a.out.PullRequest = p.out
	fixed := l.proposalBranch(p, a)
	if p.out.Texts != nil {
		p.out.Texts = p.out.Texts.Of(a.Name, a.values(), fixed)
	}
	if !a.out.Trailers {
		p.Fail(codeBadValue, "spec.automationRef.name", "%s leaves trailers out of its commits (annotation %s), and by them the commits of a pull request are known: remove the annotation",
			a, trailersAnnotation)
	}
	if a.out.Git == nil {
		return // reported
	}
	l.forgeOf(p, a.out.Git)
}

// proposalBranch checks what a pull request goes from and to. It returns the
// branch where the automation fixes it, else "".
func (l attachment) proposalBranch(p *pullRequestDraft, a *automationDraft) string {
	s := &p.out.Spec
	push := ""
	if git := a.out.Spec.GitSpec; git != nil && git.Push != nil {
		push = git.Push.Branch
	}
	base := a.out.BaseBranch()
	if push == base {
		push = "" // as `flux create image update` always writes it
	}
	switch {
	case a.out.Refspec != "":
		p.Fail(codeBadValue, "spec.automationRef.name", "%s pushes to a refspec, which is another way to propose: remove its spec.git.push.refspec, or this object", a)
	case base == "" && a.out.Base != (fleet.GitRef{}):
		p.Fail(codeBadValue, "spec.automationRef.name", "%s starts from %s, and a pull request is merged into a branch: check out a branch", a, a.out.Base)
	case push != "" && s.GroupBy != spec.GroupByAutomation:
		p.Fail(codeBadValue, "spec.groupBy", "a pull request for each %s needs a branch for each, and %s has the fixed spec.git.push.branch %q: remove that",
			s.GroupBy, a, push)
	case s.Branch == "":
		return push
	}
	return ""
}
