package message

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

func TestSummary(t *testing.T) {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	change := func(path, part, before, after string) pinsetter.Change {
		return pinsetter.Change{Path: path, Line: 1, Setter: "flux-system:" + part, Old: before, New: after}
	}
	many := []pinsetter.Change{}
	for i := range 12 {
		many = append(many, change(fmt.Sprintf("apps/%02d.yaml", i), fmt.Sprintf("app%02d:tag", i), "1", "2"))
	}
	podinfo := Written{pinsetter.Name{Namespace: "flux-system", Name: "podinfo"}, pinsetter.Image{Name: "ghcr.io/stefanprodan/podinfo", Tag: "6.1.0", Digest: digest("b")}}
	for name, test := range map[string]struct {
		changes []pinsetter.Change
		want    string
	}{
		"none":        {nil, ""},
		"a reference": {[]pinsetter.Change{change("apps/a.yaml", "podinfo", "ghcr.io/stefanprodan/podinfo:6.0.0", "ghcr.io/stefanprodan/podinfo:6.1.0")}, "podinfo 6.0.0 -> 6.1.0 in apps/a.yaml"},
		"three files": {[]pinsetter.Change{
			change("apps/a/x.yaml", "podinfo", "ghcr.io/stefanprodan/podinfo:6.0.0", "ghcr.io/stefanprodan/podinfo:6.1.0@"+digest("b")),
			change("apps/b/x.yaml", "podinfo:tag", "6.0.0", "6.1.0"), change("apps/b/x.yaml", "podinfo:digest", digest("a"), digest("b")),
			change("apps/c.yaml", "podinfo:name", "old/podinfo", "ghcr.io/stefanprodan/podinfo"),
		}, "podinfo 6.0.0 -> 6.1.0 in apps (3 files)"},
		"two versions": {[]pinsetter.Change{change("a.yaml", "podinfo:tag", "6.0.0", "6.1.0"), change("b/b.yaml", "podinfo:tag", "5.9.0", "6.1.0")},
			"podinfo 6.0.0 -> 6.1.0, podinfo 5.9.0 -> 6.1.0 in 2 files"},
		"a digest":       {[]pinsetter.Change{change("a.yaml", "podinfo:digest", digest("a"), digest("b"))}, "podinfo 6.1.0 sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb in a.yaml"},
		"a name":         {[]pinsetter.Change{change("a.yaml", "podinfo:name", "old/podinfo", "new/podinfo")}, "old/podinfo -> new/podinfo in a.yaml"},
		"a first tag":    {[]pinsetter.Change{change("a.yaml", "podinfo", "podinfo", "podinfo:6.1.0")}, "podinfo nothing -> 6.1.0 in a.yaml"},
		"unknown image":  {[]pinsetter.Change{change("a.yaml", "other:tag", "1", "2")}, "other 1 -> 2 in a.yaml"},
		"many":           {many, "app00 1 -> 2, app01 1 -> 2, app02 1 -> 2, app03 1 -> 2, app04 1 -> 2 and 7 more in apps (12 files)"},
		"folders alike":  {[]pinsetter.Change{change("apps/a.yaml", "x:tag", "1", "2"), change("apps2/a.yaml", "x:tag", "1", "2")}, "x 1 -> 2 in 2 files"},
		"odd old values": {[]pinsetter.Change{change("a.yaml", "x:tag", "a\n b"+strings.Repeat("c", 100), "2")}, "x a b" + strings.Repeat("c", 77) + "… -> 2 in a.yaml"},
	} {
		got := Summary(Data{Changes: test.changes, Images: []Written{podinfo}})
		if got != test.want {
			t.Errorf("%s: %q; want %q", name, got, test.want)
		}
	}
}
