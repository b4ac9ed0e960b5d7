package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/source"
)

// FuzzLoad: whatever a file holds, Load ends, says where each finding is, says
// the same again, and an object in a document of its own is there and usable.
func FuzzLoad(f *testing.F) {
	golden, err := filepath.Glob("testdata/*/in.yaml")
	if err != nil || len(golden) == 0 {
		f.Fatalf("no corpus: %v", err)
	}
	for _, path := range golden {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		for document := range strings.SplitSeq(string(data), "---\n") {
			f.Add([]byte(document))
		}
	}
	f.Add([]byte("kind: List\napiVersion: v1\nitems: [*a]\n"))
	f.Add([]byte("kind: ImagePolicy\napiVersion: image.toolkit.fluxcd.io/v1\n<<: &a {<<: *a}\n"))
	f.Add([]byte("? {kind: ImagePolicy}\n: x"))
	f.Add([]byte("\x00"))
	f.Add([]byte("kind: Gate\nx: \x00\n---\nkind: Secret\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		good := "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\n" +
			"metadata: {name: bystander, namespace: the-only-one}\nspec: {image: alpine, interval: 5m}\n"
		mixed := append(append([]byte{}, data...), "\n---\n"+good...)
		options := config.Options{Notifications: config.NotificationsUsed}
		load := func() *fleet.Set {
			return config.Load([]source.File{{Path: "mixed", Data: mixed}, {Path: "alone", Data: data}}, options)
		}
		var set *fleet.Set
		budget.Affords(t, 2*len(data), func() { set = load() })
		if diff := cmp.Diff(describe(set), describe(load())); diff != "" {
			t.Errorf("the same input has another output:\n%s", diff)
		}
		lines := strings.Count(string(mixed), "\n") + 1
		for _, finding := range set.Findings {
			checkFinding(t, finding, lines)
		}
		bystander := set.Repository(pinsetter.Name{Namespace: "the-only-one", Name: "bystander"})
		if strings.Contains(string(data), "the-only-one") {
			return // the fuzzer wrote a second one
		}
		if bystander == nil || bystander.Err != nil {
			t.Errorf("an object in another document is lost: %+v\n%v", bystander, set.Findings)
		}
	})
}

func checkFinding(t *testing.T, f pinsetter.Finding, lines int) {
	t.Helper()
	if f.Path != "mixed" && f.Path != "alone" || f.Line < 1 || f.Line > lines || f.Message == "" {
		t.Errorf("finding without a place: %+v of %d lines", f, lines)
	}
	if config.Codes[f.Code] == "" {
		t.Errorf("code %q is not explained", f.Code)
	}
	if f.Severity != pinsetter.Error && f.Severity != pinsetter.Warning {
		t.Errorf("severity %q", f.Severity)
	}
	if strings.ContainsAny(f.Message, "\n\r\x1b\x00") {
		t.Errorf("message %q has control characters", f.Message)
	}
	if strings.Contains(fmt.Sprint(f), "hunter2") {
		t.Errorf("a secret shows: %v", f)
	}
}
