package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

// howToSecrets are the Secrets that docs/how-to.md names.
const howToSecrets = `
---
apiVersion: v1
kind: Secret
metadata: {name: registry, namespace: flux-system}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"registry.example":{"username":"me","password":"secret"}}}'}
`

var (
	yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	identity  = regexp.MustCompile(`(?m)^kind: (\S+)[^\n]*\nmetadata: \{name: ([^,}]+)`)
)

// TestHowTo loads each example of docs/how-to.md with those objects of the README's
// quick start that it doesn't replace.
func TestHowTo(t *testing.T) {
	read := func(path string) string {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	var quickStart []string
	for _, block := range yamlBlock.FindAllStringSubmatch(read("../README.md"), -1) {
		if strings.Contains(block[1], "\nkind: ImageUpdateAutomation") {
			quickStart = strings.Split(block[1], "---\n")
		}
	}
	if len(quickStart) != 4 {
		t.Fatalf("the quick start has %d objects", len(quickStart))
	}
	examples := yamlBlock.FindAllStringSubmatch(read("../docs/how-to.md"), -1)
	for _, example := range examples {
		text := example[1]
		for _, object := range quickStart {
			if id := identity.FindString(object); id == "" {
				t.Fatalf("no object: %s", object)
			} else if kind, name := identity.FindStringSubmatch(object)[1], identity.FindStringSubmatch(object)[2]; !has(text, kind, name) {
				text += "---\n" + object
			}
		}
		for _, f := range config.Load([]source.File{{Path: "how-to.yaml", Data: []byte(text + howToSecrets)}}, config.Options{}).Findings {
			if f.Severity == pinsetter.Error {
				t.Errorf("%s in\n%s", f, example[1])
			}
		}
	}
	if len(examples) < 8 {
		t.Errorf("%d examples", len(examples))
	}
}

// has reports whether text has an object.
func has(text, kind, name string) bool {
	for _, id := range identity.FindAllStringSubmatch(text, -1) {
		if id[1] == kind && id[2] == name {
			return true
		}
	}
	return false
}
