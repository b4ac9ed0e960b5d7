package config

import (
	"cmp"
	"errors"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
)

// resolveAutomation finds the automation's Git repository, branch and key.
func (l *loader) resolveAutomation(a *automationDraft) {
	if a.artifact != nil {
		l.resolveArtifactAutomation(a)
		return
	}
	ref := a.out.Spec.SourceRef
	name := pinsetter.Name{Namespace: cmp.Or(ref.Namespace, a.Name.Namespace), Name: ref.Name}
	draft := l.gits[name]
	switch {
	case !index.ValidName(name.Name) || !index.ValidName(name.Namespace) || ref.Kind != claim.KindGitRepository: // reported
	case !l.mayCross(a.Object, "spec.sourceRef", index.Key{Kind: claim.KindGitRepository, Name: name}):
	case draft == nil:
		l.missing(a.Object, "spec.sourceRef.name", index.Key{Kind: claim.KindGitRepository, Name: name})
	default:
		a.out.Git = l.gitSource(draft)
	}
	if a.out.Spec.GitSpec != nil {
		l.branches(a, draft)
		l.signingKey(a)
	}
	a.out.Err = a.Err()
	if a.out.Git != nil {
		a.out.Err = errors.Join(a.out.Err, dependency(a.Object, "spec.sourceRef.name", draft.Object))
	}
}

// branches decides what is checked out and where it is pushed. Without a Git
// repository and a ref of its own, the automation has neither.
func (l *loader) branches(a *automationDraft, draft *gitDraft) {
	git := a.out.Spec.GitSpec
	ref, known := (*spec.GitRepositoryRef)(nil), draft != nil
	if draft != nil {
		ref = draft.spec.Reference
	}
	if git.Checkout != nil {
		ref, known = &git.Checkout.Reference, true
	}
	if git.Push != nil {
		a.out.PushBranch = git.Push.Branch
	}
	if !known {
		return
	}
	a.out.Base = fleet.RefOf(ref)
	a.out.PushBranch = cmp.Or(a.out.PushBranch, a.out.Base.Branch, a.out.Base.Head())
	if a.out.PushBranch == "" {
		a.Fail(codeMissingField, "spec.git.push.branch",
			"is missing, and the branch to push to can't be told from what is checked out (%s): write it", a.out.Base)
	}
}

// signingKey fills in the key that commits are signed with.
func (l *loader) signingKey(a *automationDraft) {
	ref := a.out.Spec.GitSpec.Commit.SigningKey
	if ref == nil || !index.ValidName(ref.SecretRef.Name) {
		return
	}
	const field = "spec.git.commit.signingKey.secretRef.name"
	with := l.secret(a.Object, field, ref.SecretRef.Name)
	if with == nil {
		return
	}
	key, passphrase, read := "git.asc", "passphrase", with.GPGKey
	if ref.Type == fleet.SigningSSH {
		key, passphrase, read = "identity", "password", with.SSHKey
	}
	if !with.Need(key, "it is the key of type "+string(ref.Type)) {
		return
	}
	a.out.SigningKey = &fleet.SigningKey{Type: string(ref.Type), Key: read(key), Passphrase: with.Line(passphrase)}
}
