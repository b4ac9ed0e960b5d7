package setters_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// TestEnclosing: the verify of an object counts for the fields that name what the
// object pulls, in lists too, and what can't be read of it is said.
func TestEnclosing(t *testing.T) {
	const marker = ` # {"$imagepolicy": "ns:app:tag"}`
	oci := func(rest string) string {
		return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: a}\nspec:\n  ref:\n    tag: 1.0.0" + marker + "\n" + rest
	}
	keys := &pinsetter.Enclosing{Provider: "cosign", Secret: "keys"}
	unread := &pinsetter.Enclosing{Unread: "x"}
	for name, row := range map[string]struct {
		text string
		want *pinsetter.Enclosing
	}{
		"keys":             {oci("  verify: {provider: cosign, secretRef: {name: keys}}\n"), keys},
		"default provider": {oci("  verify: {secretRef: {name: keys}}\n"), keys},
		"keyless":          {oci("  verify: {provider: cosign}\n"), &pinsetter.Enclosing{Provider: "cosign"}},
		"empty":            {oci("  verify: {}\n"), &pinsetter.Enclosing{Provider: "cosign"}},
		"notation":         {oci("  verify: {provider: notation, secretRef: {name: keys}}\n"), &pinsetter.Enclosing{Provider: "notation", Secret: "keys"}},
		"identities": {oci("  verify: {matchOIDCIdentity: [{issuer: ^i$, subject: s}, {subject: t}], trustedRootSecretRef: {name: root}}\n"),
			&pinsetter.Enclosing{Provider: "cosign", Root: "root", Identities: []pinsetter.Identity{{Issuer: "^i$", Subject: "s"}, {Subject: "t"}}}},
		"identity that is none": {oci("  verify: {matchOIDCIdentity: [x]}\n"), &pinsetter.Enclosing{Provider: "cosign", Identities: []pinsetter.Identity{{}}}},
		"no identities":         {oci("  verify: {matchOIDCIdentity: }\n"), &pinsetter.Enclosing{Provider: "cosign"}},
		"identities a text":     {oci("  verify: {matchOIDCIdentity: x}\n"), unread},
		"identity twice":        {oci("  verify: {matchOIDCIdentity: [{issuer: a, issuer: b, subject: c}]}\n"), unread},
		"identities merged":     {oci("  verify: {provider: cosign, secretRef: , trustedRootSecretRef: , <<: {matchOIDCIdentity: []}}\n"), unread},
		"secret without a name": {oci("  verify: {secretRef: {}}\n"), unread},
		"secret a text":         {oci("  verify: {secretRef: keys}\n"), unread},
		"secret by a merge":     {oci("  x: &x {name: keys}\n  verify: {secretRef: {<<: *x}}\n"), unread},
		"secret twice":          {oci("  verify: {secretRef: {name: a, name: b}}\n"), unread},
		"secret's name a list":  {oci("  verify: {secretRef: {name: [keys]}}\n"), unread},
		"secret by an alias":    {oci("  x: &x {name: keys}\n  verify: {secretRef: *x}\n"), keys},
		"root without a name":   {oci("  verify: {trustedRootSecretRef: {}}\n"), unread},
		"root a text":           {oci("  verify: {trustedRootSecretRef: root}\n"), unread},
		"root by a merge":       {oci("  x: &x {name: root}\n  verify: {trustedRootSecretRef: {<<: *x}}\n"), unread},
		"root twice":            {oci("  verify: {trustedRootSecretRef: {name: a, name: b}}\n"), unread},
		"none":                  {oci(""), nil},
		"null":                  {oci("  verify:\n"), nil},
		"a text":                {oci("  verify: yes please\n"), unread},
		"twice":                 {oci("  verify: {}\n  verify: {secretRef: {name: keys}}\n"), unread},
		"merged":                {oci("  <<: {verify: {}}\n"), unread},
		"alias":                 {oci("  x: &x {provider: cosign, secretRef: {name: keys}}\n  verify: *x\n"), keys},
		"other group":           {strings.Replace(oci("  verify: {}\n"), "source.toolkit.fluxcd.io", "example.com", 1), nil},
		"in a list":             {"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(oci("  verify: {secretRef: {name: keys}}"), "\n", "\n  ") + "\n", keys},
		"url": {"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nspec:\n  url: oci://r/a" + strings.Replace(marker, ":tag", ":name", 1) +
			"\n  ref: {tag: 1.0.0}\n  verify: {secretRef: {name: keys}}\n", keys},
		"chart": {"apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nspec:\n  version: 1.0.0" + marker + "\n  verify: {secretRef: {name: keys}}\n", keys},
		"release": {"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart:\n    spec:\n      version: 1.0.0" + marker +
			"\n      verify: {secretRef: {name: keys}}\n", keys},
		"values of a release": {"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    tag: 1.0.0" + marker +
			"\n  chart:\n    spec:\n      version: 1.0.0\n      verify: {secretRef: {name: keys}}\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			found := setters.Find("a.yaml", []byte(row.text))
			if len(found.Sites) != 1 {
				t.Fatalf("%d sites: %v", len(found.Sites), found.Findings)
			}
			got := found.Sites[0].Enclosing
			if row.want == unread {
				if got == nil || got.Unread == "" {
					t.Errorf("got %+v", got)
				}
			} else if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
			recalled, ok := setters.Recall("a.yaml", []byte(row.text), found.Note())
			if !ok || fmt.Sprint(cmp.Diff(recalled.Sites, found.Sites)) != "" {
				t.Errorf("it isn't recalled: %v", ok)
			}
		})
	}
}
