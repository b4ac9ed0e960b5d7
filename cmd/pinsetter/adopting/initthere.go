package adopting

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/registry"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

// thereAlready is what init finds of objects.
type thereAlready struct {
	files          []source.File
	set            *fleet.Set
	namespace      string // of new objects
	givenNamespace bool
	labels         map[string]string // of new policies, so that the automation selects them
	policies       []adopt.Standing
	repositories   map[string]pinsetter.Name // of the namespace, by canonical name
	taken          map[string]bool           // names in the namespace
	access         map[string]*fleet.Repository
}

// any reports whether there is an object that the next command needs.
func (t *thereAlready) any() bool {
	return len(t.set.Repositories)+len(t.set.Policies)+len(t.set.Automations) > 0
}

// marked reports whether there is a policy that a marker may name.
func (t *thereAlready) marked() bool { return len(t.set.Policies) > 0 }

// readThere loads the objects of -f, by default those of the directory. Objects
// that can't be used are warnings: init needs none.
func readThere(ctx context.Context, a *cli.App, dir string, givenNamespace bool) (*thereAlready, error) {
	var from cli.Sources
	if len(a.Filenames)+len(a.Kustomize) > 0 {
		from = a.Read(ctx)
		for _, u := range from.Unread {
			return nil, cli.Exit(cli.StatusUsage, errors.New(u.String()))
		}
	} else {
		if _, err := os.Stat(dir); err != nil {
			return nil, cli.Exit(cli.StatusUsage, err)
		}
		from.Files, _ = source.ReadPath(dir, a.MayHold()) // what can't be read is said when it is searched
	}
	t := &thereAlready{
		files: from.Files,
		set:   config.Load(from.Files, a.Loading()), namespace: a.Namespace, givenNamespace: givenNamespace,
		repositories: map[string]pinsetter.Name{}, taken: map[string]bool{}, access: map[string]*fleet.Repository{},
	}
	for _, f := range cli.OldVersionsAsOne(t.set.Findings) {
		if f.Severity == pinsetter.Error && !config.IsSecretToWrite(f) {
			a.Say("warning", f.String())
		}
	}
	switch {
	case givenNamespace:
	case len(t.set.Automations) > 0:
		t.namespace = t.set.Automations[0].Name.Namespace
	case len(t.set.Policies) > 0:
		t.namespace = t.set.Policies[0].Name.Namespace
	}
	for _, automation := range t.set.Automations {
		if selector := automation.Spec.PolicySelector; automation.Name.Namespace == t.namespace && selector != nil && t.labels == nil {
			t.labels = selector.MatchLabels
		}
		t.take(automation.Name)
	}
	t.gather()
	return t, nil
}

// take notes a name that new objects can't have.
func (t *thereAlready) take(name pinsetter.Name) {
	if name.Namespace == t.namespace {
		t.taken[name.Name] = true
	}
}

// gather notes the policies and repositories that can be used.
func (t *thereAlready) gather() {
	for _, r := range t.set.Repositories {
		t.take(r.Name)
		canonical, err := canonicalOf(r)
		if err != nil {
			continue
		}
		if t.access[canonical] == nil && r.Err == nil { // its Secret may be elsewhere
			t.access[canonical] = r
		}
		if _, there := t.repositories[canonical]; !there && r.Name.Namespace == t.namespace && !r.Suspended {
			t.repositories[canonical] = r.Name
		}
	}
	for _, p := range t.set.Policies {
		t.take(p.Name)
		if p.Err != nil || p.Rules == nil || p.Repository == nil || p.Suspended {
			continue
		}
		if canonical, err := canonicalOf(p.Repository); err == nil && t.isWritten(p) {
			t.policies = append(t.policies, adopt.Standing{Name: p.Name, Canonical: canonical, Spec: p.Spec})
		}
	}
}

// canonicalOf returns the same for every spelling of an image's name, and never one
// for an image and a chart of an index.
func canonicalOf(r *fleet.Repository) (string, error) {
	if r.Index != nil {
		return adopt.IndexKey(r.Image), nil
	}
	return registry.Canonical(r.Image)
}

// isWritten reports whether an automation selects a policy, or none is there.
func (t *thereAlready) isWritten(p *fleet.Policy) bool {
	for _, automation := range t.set.Automations {
		if automation.Selects(p) {
			return true
		}
	}
	return len(t.set.Automations) == 0
}

// writers returns the GitRepository and the ImageUpdateAutomation that write what
// is proposed, unless automations are there that do.
func (i *initiation) writers() []adopt.Object {
	if i.isCovered() {
		i.automated = true
		return nil
	}
	u, err := url.Parse(i.tree.Origin)
	if i.tree.Origin == "" || err != nil || i.tree.Branch == "" || len(i.proposal.Edits) == 0 && !i.isWaiting() {
		return nil
	}
	i.automated = true
	name := pinsetter.Name{Namespace: i.there.namespace, Name: adopt.Label(strings.TrimSuffix(path.Base(u.Path), ".git"))}
	if i.there.taken[name.Name] {
		name.Name = "pinsetter-" + name.Name
	}
	host := u.Hostname()
	if host == "" {
		host = "localhost"
	}
	automation := spec.ImageUpdateAutomationSpec{
		Interval:  spec.Duration{Duration: 30 * time.Minute},
		SourceRef: spec.CrossNamespaceSourceReference{Kind: "GitRepository", Name: name.Name},
		Update:    &spec.UpdateStrategy{Strategy: spec.UpdateStrategySetters, Path: "./" + strings.TrimPrefix(i.tree.Folder, ".")},
		GitSpec: &spec.GitSpec{Commit: spec.CommitSpec{
			Author:          spec.CommitUser{Name: "Pinsetter", Email: "pinsetter@users.noreply." + host},
			MessageTemplate: commitMessage,
		}},
	}
	if len(i.there.labels) > 0 {
		automation.PolicySelector = &spec.LabelSelector{MatchLabels: i.there.labels}
	}
	return []adopt.Object{adopt.GitRepository(name, i.tree.Origin, i.tree.Branch), adopt.Automation(name, automation)}
}

// isWaiting reports whether an earlier call wrote policies without an automation,
// for want of a remote.
func (i *initiation) isWaiting() bool {
	return len(i.there.set.Automations) == 0 && len(i.there.set.Policies) > 0 && exists(filepath.Join(i.flags.dir, filepath.FromSlash(i.policies)))
}

// commitMessage is the template of a new automation.
const commitMessage = `Update images

{{ range .Changed.Changes }}{{ println .OldValue "->" .NewValue }}{{ end }}`

// isCovered reports whether automations that are there write every file with a new
// marker.
func (i *initiation) isCovered() bool {
	if len(i.there.set.Automations) == 0 {
		return false
	}
	for _, e := range i.proposal.Edits {
		covered := false
		for _, automation := range i.there.set.Automations {
			mine := automation.Name.Namespace == i.there.namespace && !automation.Suspended
			covered = covered || mine && automation.Covers(path.Join(i.tree.Folder, e.Path))
		}
		if !covered {
			return false
		}
	}
	return true
}

// exists reports whether there is something by a name.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
