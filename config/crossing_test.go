package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

const crossing = `
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app, namespace: shared}
spec:
  image: registry.example/app
  interval: 5m
  accessFrom: {namespaceSelectors: [{matchLabels: {}}]}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app, namespace: team}
spec:
  imageRepositoryRef: {name: app, namespace: shared}
  policy: {semver: {range: 1.x}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: shared}
spec: {url: "https://git.example/fleet", ref: {branch: main}, interval: 1m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps, namespace: team}
spec:
  interval: 30m
  sourceRef: {kind: GitRepository, name: fleet, namespace: shared}
  git: {commit: {author: {email: bot@git.example}}}
  update: {path: ./apps, strategy: Setters}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: team}
stringData: {token: t, address: "https://chat.example"}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: all, namespace: team}
spec:
  type: generic
  secretRef: {name: token}
  resources: [{kind: ImageRepository, name: app, namespace: shared}, {kind: ImagePolicy, name: app}]
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: chat, namespace: team}
spec: {type: generic, secretRef: {name: token}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: all, namespace: team}
spec:
  providerRef: {name: chat}
  eventSources: [{kind: ImagePolicy, name: app}, {kind: ImageUpdateAutomation, name: "*", namespace: shared}]
`

// TestReferencesAcrossNamespaces: each of them is an error where they are switched off,
// and none else.
func TestReferencesAcrossNamespaces(t *testing.T) {
	for _, off := range []bool{false, true} {
		set := config.Load([]source.File{{Path: "in.yaml", Data: []byte(crossing)}}, config.Options{
			Notifications: config.NotificationsUsed, NoCrossNamespaceRefs: off,
		})
		var got []string
		for _, f := range set.Findings {
			if f.Code == "access-denied" {
				got = append(got, f.Message)
			} else if f.Severity == pinsetter.Error {
				t.Errorf("off %t: %s", off, f.Message)
			}
		}
		var want []string
		if off {
			want = []string{
				"ImagePolicy team/app: spec.imageRepositoryRef: ImageRepository shared/app is in another namespace",
				"ImageUpdateAutomation team/apps: spec.sourceRef: GitRepository shared/fleet is in another namespace",
				"Receiver team/all: spec.resources[0]: ImageRepository shared/app is in another namespace",
				"Alert team/all: spec.eventSources[1]: ImageUpdateAutomation shared/* is in another namespace",
			}
		}
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("off %t: %q", off, got)
		}
		policy := set.Policy(pinsetter.Name{Namespace: "team", Name: "app"})
		automation := set.Automation(pinsetter.Name{Namespace: "team", Name: "apps"})
		if (policy.Repository == nil) != off || (policy.Err != nil) != off || (automation.Git == nil) != off || (automation.Err != nil) != off {
			t.Errorf("off %t: policy %v, automation %v", off, policy.Err, automation.Err)
		}
	}
}
