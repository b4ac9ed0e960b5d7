package config

import (
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/config/index"
	"github.com/pinsetter/pinsetter/strict"
)

// read decodes an object by its kind. One of an outdated version is kept
// without what it says.
func (l reader) read(o *index.Object) {
	spec := strict.Child(o.Node, "spec")
	if o.Outdated {
		spec = nil
	}
	if (o.Kind == claim.KindArtifactAutomation || o.Kind == claim.KindChartRepository) && strict.Child(spec, "sourceRef") == nil {
		l.LoseAs(o, claim.AnyGuard) // it may be one under a wrong kind
	}
	switch o.Kind {
	case claim.KindImageRepository:
		l.readRepository(o, spec)
	case claim.KindImagePolicy:
		l.readPolicy(o, spec)
	case claim.KindImageUpdateAutomation:
		l.readAutomation(o, spec)
	case claim.KindArtifactAutomation:
		l.readArtifactAutomation(o, spec)
	case claim.KindGitRepository:
		l.readGit(o, spec)
	case claim.KindHelmRepository:
		l.readHelm(o, spec)
	case claim.KindChartRepository:
		l.readChart(o, spec)
	case claim.KindOCIRepository:
		l.readOCI(o, spec)
	case claim.KindGate:
		l.readGate(o, spec)
	case claim.KindPullRequest:
		l.readPullRequest(o, spec)
	case claim.KindReceiver:
		l.readReceiver(o, spec)
	case claim.KindProvider:
		l.readProvider(o, spec)
	case claim.KindAlert:
		l.readAlert(o, spec)
	case claim.KindSecret:
		l.readSecret(o)
	case claim.KindServiceAccount:
		l.readAccount(o)
	case claim.KindNamespace:
		l.namespaces[o.Name.Name] = o
	}
}
