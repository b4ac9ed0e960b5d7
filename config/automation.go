package config

import (
	"cmp"
	"path"
	"strings"

	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// trailersAnnotation on an automation, with the value "false", leaves our
// trailers out of its commits.
const trailersAnnotation = "pinsetter.dev/trailers"

// automationDraft is an ImageUpdateAutomation or ArtifactAutomation whose references are not yet
// resolved.
type automationDraft struct {
	*index.Object
	out      *fleet.Automation
	artifact *spec.ArtifactAutomationSpec // of an ArtifactAutomation; nil: it is an ImageUpdateAutomation
}

// values are those that the automation gives to templates.
func (a *automationDraft) values() map[string]string {
	if a.out.Spec.GitSpec == nil {
		return nil
	}
	return a.out.Spec.GitSpec.Commit.MessageTemplateValues
}

func (l reader) readAutomation(o *index.Object, n *strict.Node) {
	a := &fleet.Automation{Name: o.Name, Origin: o.Origin, Annotations: o.Annotations}
	l.automations = append(l.automations, &automationDraft{Object: o, out: a})
	d := automationDecoder{l.strictSpec(o, n, &a.Spec)}
	a.Suspended = a.Spec.Suspend
	d.trailers(a)
	d.schedule(a)
	d.requireInterval(strict.Child(n, "interval"))
	d.sourceRef(&a.Spec)
	d.strategy(&a.Spec)
	a.Path = path.Join(".", path.Clean("/" + a.Spec.Update.Path)[1:])
	d.selector(a)
	if a.Spec.GitSpec == nil {
		d.missing("spec.git")
		d.Taint("spec.git")
	} else {
		d.git(a, strict.Child(strict.Child(n, "git"), "checkout"))
	}
	if !d.Blamed("spec") {
		d.message(a)
	}
	o.Remember("spec.sourceRef", "spec.sourceRef.name", "spec.git", "spec.git.push",
		"spec.git.commit.signingKey.secretRef.name", "spec.git.checkout.ref")
}

func (d automationDecoder) schedule(a *fleet.Automation) {
	text, found := a.Annotations[fleet.ScheduleAnnotation]
	if !found {
		return
	}
	var err error
	if a.Schedule, err = gate.Schedule(text); err != nil {
		d.fail(codeSchedule, "metadata.annotations."+fleet.ScheduleAnnotation, "%v", err)
	}
}

// message compiles the template of commit messages.
func (d automationDecoder) message(a *fleet.Automation) {
	var err error
	if a.Message, err = message.New(a.Spec); err == nil {
		err = a.Message.Warning()
	}
	d.wrong(codeTemplate, err)
}

func (d automationDecoder) trailers(a *fleet.Automation) {
	value, found := a.Annotations[trailersAnnotation]
	a.Trailers = value != "false"
	if found && value != "false" && value != "true" {
		d.fail(codeBadValue, "metadata.annotations."+trailersAnnotation, `%q is not "true" or "false"`, value)
	}
}

func (d automationDecoder) sourceRef(s *spec.ImageUpdateAutomationSpec) {
	ref := &s.SourceRef
	ref.Kind = cmp.Or(ref.Kind, claim.KindGitRepository)
	if ref.Kind != claim.KindGitRepository {
		d.fail(codeBadValue, "spec.sourceRef.kind", "%q is not a kind that can be written to: write %s%s", ref.Kind, claim.KindGitRepository, d.object.Hint(ref.Kind))
	}
	if ref.APIVersion != "" && !strings.HasPrefix(ref.APIVersion, claim.SourceGroup+"/") {
		d.fail(codeBadValue, "spec.sourceRef.apiVersion", "%q is not that of a %s: write %s/v1 or leave it out", ref.APIVersion, claim.KindGitRepository, claim.SourceGroup)
	}
	d.reference("spec.sourceRef.name", ref.Name)
	d.namespace("spec.sourceRef.namespace", ref.Namespace)
}

func (d automationDecoder) strategy(s *spec.ImageUpdateAutomationSpec) {
	if s.Update == nil {
		s.Update = &spec.UpdateStrategy{}
	}
	s.Update.Strategy = cmp.Or(s.Update.Strategy, spec.UpdateStrategySetters)
	if s.Update.Strategy != spec.UpdateStrategySetters {
		d.fail(codeBadValue, "spec.update.strategy", "%q is not a strategy: write %s or leave it out", s.Update.Strategy, spec.UpdateStrategySetters)
	}
}

func (d automationDecoder) selector(a *fleet.Automation) {
	if d.Blamed("spec.policySelector") {
		return
	}
	compiled, err := fleet.NewSelector(a.Spec.PolicySelector)
	if err != nil {
		d.fail(codeBadValue, "spec.policySelector", "%v", err)
		return
	}
	a.Selector = compiled
}

// git checks spec.git, which is there. Checkout is the node of its field, or nil.
func (d automationDecoder) git(a *fleet.Automation, checkout *strict.Node) {
	git := a.Spec.GitSpec
	a.Author = fleet.Author(git.Commit.Author)
	if d.require("spec.git.commit.author.email", git.Commit.Author.Email) {
		d.oneLine("spec.git.commit.author.email", git.Commit.Author.Email)
	}
	d.oneLine("spec.git.commit.author.name", git.Commit.Author.Name)
	if key := git.Commit.SigningKey; key != nil {
		d.reference("spec.git.commit.signingKey.secretRef.name", key.SecretRef.Name)
		key.Type = cmp.Or(key.Type, fleet.SigningGPG)
		if key.Type != fleet.SigningGPG && key.Type != fleet.SigningSSH {
			d.fail(codeBadValue, "spec.git.commit.signingKey.type", "%q is not gpg or ssh", key.Type)
		}
	}
	if git.Checkout != nil {
		if ref := strict.Child(checkout, "ref"); ref == nil || strict.IsNull(ref) {
			d.missing("spec.git.checkout.ref")
		}
		d.checkedOut("spec.git.checkout.ref", &git.Checkout.Reference)
	}
	if git.Push == nil {
		return
	}
	git.Push.Branch = d.branch("spec.git.push.branch", git.Push.Branch, inRefspec)
	d.refspec("spec.git.push.refspec", git.Push.Refspec)
	a.Refspec, a.PushOptions = git.Push.Refspec, git.Push.Options
}

// oneLine reports text that would break a commit's header.
func (d automationDecoder) oneLine(path, value string) {
	if strings.ContainsAny(value, "\n\r\x00<>") {
		d.fail(codeBadValue, path, "%q has a line break, < or >, which a commit can't hold", value)
	}
}
