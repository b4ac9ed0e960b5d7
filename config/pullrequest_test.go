package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

func pullRequestObject(name, s string) string {
	return "---\napiVersion: pinsetter.dev/v1alpha1\nkind: PullRequest\nmetadata: {name: " + name + "}\nspec: " + s + "\n"
}

// TestPullRequestOf: what somebody wants proposed is never pushed because of a
// mistake in the object that says so.
func TestPullRequestOf(t *testing.T) {
	const of = "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}}}"
	objects := object("GitRepository", "g", "spec: {url: 'https://github.com/acme/fleet'}") +
		object("ImageUpdateAutomation", "web", of) + object("ImageUpdateAutomation", "database", of)
	const good = "{automationRef: {name: web}}"
	tests := []struct {
		name, text    string
		web, database string // the PullRequest, "error", or "" for a direct push
	}{
		{"none", "", "", ""},
		{"one", pullRequestObject("p", good), "p", ""},
		{"broken", pullRequestObject("p", "{automationRef: {name: web}, groupBy: image}"), "error", ""},
		{"misspelt field", pullRequestObject("p", "{automation: {name: web}}"), "error", "error"},
		{"misspelt name", pullRequestObject("p", "{automationRef: {name: wbe}}"), "error", "error"},
		{"misspelt name of one beside another's", pullRequestObject("p", "{automationRef: {name: wbe}}") + pullRequestObject("q", "{automationRef: {name: database}}"), "error", "q"},
		{"of an automation that isn't here", pullRequestObject("p", "{automationRef: {name: elsewhere}}"), "error", "error"},
		{"of an automation that isn't here, and needn't be", strings.Replace(pullRequestObject("p", "{automationRef: {name: elsewhere}}"), "name: p", "name: p, annotations: {pinsetter.dev/unused: allowed}", 1), "", ""},
		{"of an automation that isn't here, with another word", strings.Replace(pullRequestObject("p", "{automationRef: {name: elsewhere}}"), "name: p", "name: p, annotations: {pinsetter.dev/unused: 'yes'}", 1), "error", "error"},
		{"of another namespace", strings.Replace(pullRequestObject("p", good), "name: p", "name: p, namespace: other", 1), "error", ""},
		{"of nobody in another namespace", strings.Replace(pullRequestObject("p", "{automationRef: {name: nobody}}"), "name: p", "name: p, namespace: other", 1), "error", "error"},
		{"a second one of that name", pullRequestObject("p", good) + pullRequestObject("p", "{automationRef: {name: database}}"), "error", "error"},
		{"a second one for that automation", pullRequestObject("p", good) + pullRequestObject("q", good), "error", "error"},
		{"null", pullRequestObject("p", "{automationRef: {name: web}, groupBy: }"), "error", ""},
		{"unknown version", strings.Replace(pullRequestObject("p", good), "v1alpha1", "v2", 1), "error", "error"},
		{"misspelt kind", strings.Replace(pullRequestObject("p", good), "PullRequest", "PullRequests", 1), "error", "error"},
		{"another kind", strings.Replace(pullRequestObject("p", good), "PullRequest", "Proposal", 1), "error", "error"},
		{"kind in lower case", strings.Replace(pullRequestObject("p", good), "PullRequest", "pullrequest", 1), "error", "error"},
		{"misspelt kind, elsewhere", strings.Replace(pullRequestObject("p, namespace: other", good), "PullRequest", "PullRequests", 1), "error", ""},
		{"version forgotten", strings.Replace(pullRequestObject("p", good), "pinsetter.dev/v1alpha1", "pinsetter.dev", 1), "error", "error"},
		{"group forgotten", strings.Replace(pullRequestObject("p", good), "pinsetter.dev/", "", 1), "error", "error"},
		{"group of Flux", strings.Replace(pullRequestObject("p", good), "pinsetter.dev/v1alpha1", "image.toolkit.fluxcd.io/v1", 1), "error", "error"},
		{"misspelt key", strings.Replace(pullRequestObject("p", good), "apiVersion:", "apiVersoin:", 1), "error", "error"},
		{"misspelt group", strings.Replace(pullRequestObject("p", good), "pinsetter", "pinseter", 1), "error", "error"},
		{"no version", strings.Replace(pullRequestObject("p", good), "apiVersion: pinsetter.dev/v1alpha1\n", "", 1), "error", "error"},
		{"no name", strings.Replace(pullRequestObject("p", good), "{name: p}", "{}", 1), "error", "error"},
		{"not YAML", pullRequestObject("p", "{automationRef: {name: web}"), "error", "error"},
		{"a broken gate is another matter", gateObject("g", "spec: {minAge: 3d}"), "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := loadText(t, objects+test.text)
			for name, want := range map[string]string{"web": test.web, "database": test.database} {
				if got := proposalOf(set, name); got != want {
					t.Errorf("automation %s: %q, want %q\n%v", name, got, want, set.Findings)
				}
			}
		})
	}
}

func proposalOf(set *fleet.Set, automation string) string {
	a := set.Automation(pinsetter.Name{Namespace: "default", Name: automation})
	err := errors.Join(a.Err, set.Missing.StopsAutomation(a))
	switch {
	case err != nil && !strings.Contains(err.Error(), "in.yaml:"):
		return "error without a place: " + err.Error()
	case err != nil:
		return "error"
	case a.PullRequest == nil:
		return ""
	}
	return a.PullRequest.Name.Name
}

// The reference of a PullRequest has no namespace to set.
func TestPullRequestInAnotherNamespaceIsToldWhereToGo(t *testing.T) {
	objects := strings.Replace(pullRequestObject("p", "{automationRef: {name: web}}"), "name: p", "name: p, namespace: other", 1) +
		strings.Replace(object("ImageUpdateAutomation", "web", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}}}"), "name: web", "name: web, namespace: here", 1)
	set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(objects)}}, config.Options{Namespace: "default"})
	told := false
	for _, f := range set.Findings {
		told = told || strings.Contains(f.Message, "so set metadata.namespace, if it is meant")
		if strings.Contains(f.Message, "set the reference's namespace") {
			t.Errorf("wrong advice: %s", f)
		}
	}
	if !told {
		t.Errorf("findings: %v", set.Findings)
	}
}

func TestPullRequestValues(t *testing.T) {
	set := mustLoad(t, object("GitRepository", "g", "spec: {url: 'ssh://git@github.com/acme/fleet', secretRef: {name: key}}")+
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {identity: KEY, known_hosts: HOSTS}\n"+
		object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}, push: {branch: bumps}}}")+
		pullRequestObject("p", "{automationRef: {name: a}, secretRef: {name: app}}")+
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {githubAppID: '7', githubAppPrivateKey: PEM, githubAppInstallationOwner: acme, githubAppBaseURL: 'https://github.example.com'}\n")
	p := set.PullRequest(pinsetter.Name{Namespace: "default", Name: "p"})
	app := p.Forge.App
	branch, err := p.Texts.Branch("")
	if err != nil {
		t.Fatal(err)
	}
	if p.Spec.GroupBy != spec.GroupByAutomation || branch != "bumps" || p.Forge.Provider != fleet.ForgeGitHub || app == nil {
		t.Fatalf("%+v", p)
	}
	if app.ID != 7 || app.InstallationID != 0 || app.InstallationOwner != "acme" || app.BaseURL != "https://github.example.com" || app.PrivateKey.Reveal() != rsaKey() {
		t.Errorf("app %+v", app)
	}
}

// TestThePushBranchThatIsTheBase: `flux create image update` always writes
// spec.git.push.branch. Where it is the branch that is read, it is no proposal's.
func TestThePushBranchThatIsTheBase(t *testing.T) {
	for _, branch := range []string{"main", "refs/heads/main"} {
		set := mustLoad(t, object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}, push: {branch: "+branch+"}}}")+
			object("GitRepository", "g", "spec: {url: 'https://github.com/acme/fleet', interval: 5m, ref: {branch: main}}")+
			"---\napiVersion: pinsetter.dev/v1alpha1\nkind: PullRequest\nmetadata: {name: p}\nspec: {automationRef: {name: a}, groupBy: policy}\n")
		if got, err := set.Automations[0].PullRequest.Texts.Branch("web"); got != "pinsetter/a/web" || err != nil {
			t.Errorf("push.branch %s: proposals on %q, %v", branch, got, err)
		}
	}
}
