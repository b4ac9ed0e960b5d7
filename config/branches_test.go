package config_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

// A branch is understood, or is an error, wherever it is written.
func TestBranchesOfObjects(t *testing.T) {
	const objects = `apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet}
spec: {url: "https://git.example/fleet", ref: {REF}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {email: bot@example.test}}, SPEC}
`
	for _, test := range []struct{ ref, spec, base, push, err string }{
		{"branch: refs/heads/main", "push: {}", "branch main", "main", ""},
		{"branch: main", "push: {branch: refs/heads/main}", "branch main", "main", ""},
		{"branch: main", "push: {branch: refs/heads/bot}", "branch main", "bot", ""},
		{"branch: main", "checkout: {ref: {branch: refs/heads/next}}", "branch next", "next", ""},
		{"branch: heads/x, name: refs/heads/main", "push: {branch: bot}", "ref refs/heads/main", "bot", ""},
		{"branch: main", "push: {branch: bot, refspec: 'refs/heads/bot:refs/for/main%topic=x'}", "branch main", "bot", ""},
		{"branch: main", "push: {refspec: 'HEAD:refs/for/main'}", "branch main", "main", ""},
		{"branch: main", "push: {branch: bot, refspec: bot}", "branch main", "bot", ""},
		{"branch: main", "push: {branch: bot, refspec: 'HEAD:main'}", "branch main", "bot", ""},
		{"branch: main", "push: {branch: bot, refspec: 'HEAD:refs/heads/origin/x'}", "branch main", "bot", ""},
		{"branch: main", "push: {branch: refs/heads/origin/x, refspec: 'origin/x:refs/for/main'}", "branch main", "origin/x", ""},

		{"branch: main", "push: {branch: refs/for/main}", "", "", "spec.git.push.branch: \"refs/for/main\" is a ref, and no branch: push to it with spec.git.push.refspec, such as HEAD:refs/for/main"},
		{"branch: main", "push: {branch: origin/bot}", "", "", "spec.git.push.branch: \"origin/bot\" may mean bot"},
		{"branch: main", "push: {branch: -x}", "", "", "spec.git.push.branch: \"-x\" can't be"},
		{"branch: main", "checkout: {ref: {branch: refs/tags/v1}}", "", "", "spec.git.checkout.ref.branch: \"refs/tags/v1\" is a ref, and no branch: write it in name"},
		{"branch: origin/main", "push: {}", "", "", "spec.ref.branch: \"origin/main\" may mean main"},
		{"branch: main", "push: {branch: bot, refspec: 'refs/heads/*:refs/heads/*'}", "", "", "spec.git.push.refspec: \"refs/heads/*:refs/heads/*\" names many refs"},
		{"branch: main", "push: {refspec: 'refs/heads/*'}", "", "", "names many refs"},
		{"branch: main", "push: {refspec: 'HEAD:'}", "", "", "is not SOURCE:DESTINATION"},
		{"branch: main", "push: {refspec: 'HEAD:a:b'}", "", "", "is not SOURCE:DESTINATION"},
		{"branch: main", "push: {refspec: 'HEAD: refs/for/main'}", "", "", "is not SOURCE:DESTINATION"},
		{"branch: main", "push: {branch: bot, refspec: 'HEAD:heads/main'}", "", "", "spec.git.push.refspec: in \"HEAD:heads/main\", \"heads/main\" may mean main: write that, or refs/heads/heads/main"},
		{"branch: main", "push: {branch: bot, refspec: 'HEAD:origin/main'}", "", "", "\"origin/main\" may mean main"},
		{"branch: main", "push: {branch: bot, refspec: 'HEAD:refs/heads/refs/heads/main'}", "", "", "names refs/heads twice: write main"},
		{"branch: main", "push: {refspec: HEAD}", "", "", "is not SOURCE:DESTINATION"},
		{"branch: main", "push: {refspec: 'HEAD:HEAD'}", "", "", "is not SOURCE:DESTINATION"},
		{"branch: main", "push: {refspec: '+HEAD:refs/for/main'}", "", "", "deletes or forces"},
		{"branch: main", "push: {refspec: ':refs/for/main'}", "", "", "deletes or forces"},
	} {
		text := strings.NewReplacer("REF", test.ref, "SPEC", test.spec).Replace(objects)
		set := config.Load([]source.File{{Path: "objects.yaml", Data: []byte(text)}}, config.Options{Namespace: "default"})
		a := set.Automations[0]
		switch {
		case test.err != "":
			if a.Err == nil || len(set.Findings) != 1 || !strings.Contains(set.Findings[0].Message, test.err) {
				t.Errorf("%s, %s: %v, findings %v; want %q", test.ref, test.spec, a.Err, set.Findings, test.err)
			}
		case a.Err != nil || a.Base.String() != test.base || a.PushBranch != test.push:
			t.Errorf("%s, %s: from %s to %s, %v", test.ref, test.spec, a.Base, a.PushBranch, a.Err)
		}
	}
}
