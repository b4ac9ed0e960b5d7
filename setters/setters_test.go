package setters_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/setters"
)

// mark returns the comment of a marker.
func mark(setter string) string { return ` # {"$imagepolicy": "` + setter + `"}` }

func TestIsCandidate(t *testing.T) {
	for name, want := range map[string]bool{
		"a.yaml": true, "a/b.yml": true, "Kustomization": true, "a/Kustomization": true, ".yaml": true,
		"node_modules/a.yaml": true, ".github/workflows/a.yml": true,
		"a.YAML": false, "a.json": false, "a.yaml.tmpl": false, "kustomization": false, "xKustomization": false, "yaml": false, "": false,
	} {
		if got := setters.IsCandidate(name); got != want {
			t.Errorf("IsCandidate(%q) = %v", name, got)
		}
	}
}

func TestSites(t *testing.T) {
	const object = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n"
	f := setters.Find("a/b.yaml", []byte("# preamble\n---\na: 1\n---\n"+object+
		"image: x:1"+mark("ns:p")+"\nother: y:1"+mark("ns:q")+"\ntag: 2"+mark("ns:p:tag")+"\n"+
		"---\nkind: ConfigMapList\nmetadata: {name: l}\nfirst: 1"+mark("ns:p:tag")+"\nitems:\n"+
		"- {kind: A, metadata: {name: a}, tag: 1, "+mark("ns:p:tag")+"\n  x: y}\n"+
		"- kind: B\n  tag: 1"+mark("ns:p:tag")+"\n"))
	web := pinsetter.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	p, q := pinsetter.Name{Namespace: "ns", Name: "p"}, pinsetter.Name{Namespace: "ns", Name: "q"}
	tag := func(line int) []pinsetter.Marker {
		return []pinsetter.Marker{{Line: line, Part: pinsetter.PartTag, Setter: "ns:p:tag", Value: "1", Kind: pinsetter.KindTag}}
	}
	one := []pinsetter.Image{{Tag: "1"}}
	want := []pinsetter.Site{
		{
			Path: "a/b.yaml", Document: 1, Item: -1, Object: web, Policy: p,
			Markers: []pinsetter.Marker{
				{Line: 10, Setter: "ns:p", Value: "x:1", Kind: pinsetter.KindReference},
				{Line: 12, Part: pinsetter.PartTag, Setter: "ns:p:tag", Value: "2", Kind: pinsetter.KindTag},
			},
			Written: []pinsetter.Image{{Name: "x", Tag: "1"}, {Tag: "2"}},
		},
		{
			Path: "a/b.yaml", Document: 1, Item: -1, Object: web, Policy: q,
			Markers: []pinsetter.Marker{{Line: 11, Setter: "ns:q", Value: "y:1", Kind: pinsetter.KindReference}},
			Written: []pinsetter.Image{{Name: "y", Tag: "1"}},
		},
		{Path: "a/b.yaml", Document: 2, Item: -1, Object: pinsetter.Object{Kind: "ConfigMapList", Name: "l"}, Policy: p, Markers: tag(16), Written: one},
		{Path: "a/b.yaml", Document: 2, Item: 0, Object: pinsetter.Object{Kind: "A", Name: "a"}, Policy: p, Markers: tag(18), Written: one},
		{Path: "a/b.yaml", Document: 2, Item: 1, Object: pinsetter.Object{Kind: "B"}, Policy: p, Markers: tag(21), Written: one},
	}
	if diff := cmp.Diff(want, f.Sites); diff != "" {
		t.Errorf("sites (-want +got):\n%s", diff)
	}
	if len(f.Findings) > 0 {
		t.Errorf("findings: %v", f.Findings)
	}
}

func TestWritten(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string // value, setter suffix
		want  []pinsetter.Image
	}{
		"reference":                 {[]string{"x:1 "}, []pinsetter.Image{{Name: "x", Tag: "1"}}},
		"reference with port":       {[]string{"x:5000/y "}, []pinsetter.Image{{Name: "x:5000/y"}}},
		"reference with digest":     {[]string{"x:5000/y:1@sha256:a "}, []pinsetter.Image{{Name: "x:5000/y", Tag: "1", Digest: "sha256:a"}}},
		"reference without tag":     {[]string{"x/y@sha256:a "}, []pinsetter.Image{{Name: "x/y", Digest: "sha256:a"}}},
		"name alone":                {[]string{"x :name"}, nil},
		"nothing written":           {[]string{"~ :tag"}, nil},
		"all three":                 {[]string{"x :name", "1 :tag", "sha256:a :digest"}, []pinsetter.Image{{Name: "x", Tag: "1", Digest: "sha256:a"}}},
		"same twice":                {[]string{"1 :tag", "1 :tag"}, []pinsetter.Image{{Tag: "1"}}},
		"tags disagree":             {[]string{"1 :tag", "2 :tag"}, []pinsetter.Image{{Tag: "1"}, {Tag: "2"}}},
		"pairs disagree":            {[]string{"1 :tag", "sha256:d :digest", "2 :tag", "sha256:e :digest"}, []pinsetter.Image{{Tag: "1", Digest: "sha256:d"}, {Tag: "2", Digest: "sha256:e"}}},
		"one is empty":              {[]string{"1 :tag", "~ :tag"}, []pinsetter.Image{{Tag: "1"}, {}}},
		"label repeats the tag":     {[]string{"x:1@sha256:a ", "1 :tag"}, []pinsetter.Image{{Name: "x", Tag: "1", Digest: "sha256:a"}}},
		"label disagrees":           {[]string{"2 :tag", "x:1 "}, []pinsetter.Image{{Tag: "2"}, {Name: "x", Tag: "1"}}},
		"digest is missing in one":  {[]string{"x:1 ", "x:1@sha256:a "}, []pinsetter.Image{{Name: "x", Tag: "1"}, {Name: "x", Tag: "1", Digest: "sha256:a"}}},
		"digest marker of its own":  {[]string{"x:1 ", "sha256:a :digest"}, []pinsetter.Image{{Name: "x", Tag: "1"}, {Digest: "sha256:a"}}},
		"digest repeats":            {[]string{"x:1@sha256:a ", "sha256:a :digest"}, []pinsetter.Image{{Name: "x", Tag: "1", Digest: "sha256:a"}}},
		"digest behind the tag":     {[]string{"1@sha256:a :tag"}, []pinsetter.Image{{Tag: "1", Digest: "sha256:a"}}},
		"digest behind one tag":     {[]string{"1 :tag", "2@sha256:a :tag"}, []pinsetter.Image{{Tag: "1"}, {Tag: "2", Digest: "sha256:a"}}},
		"digest behind the first":   {[]string{"1@sha256:a :tag", "2 :tag"}, []pinsetter.Image{{Tag: "1", Digest: "sha256:a"}, {Tag: "2"}}},
		"name with a scheme":        {[]string{"oci://x/y :name", "1 :tag"}, []pinsetter.Image{{Name: "x/y", Tag: "1"}}},
		"reference with a scheme":   {[]string{"oci://x/y:1 "}, []pinsetter.Image{{Name: "x/y", Tag: "1"}}},
		"held":                      {[]string{"1 :tag", "x/y:1 :tag"}, nil},
		"name of another image too": {[]string{"x:1 ", "y :name", "1 :tag"}, []pinsetter.Image{{Name: "x", Tag: "1"}, {Name: "y", Tag: "1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var in strings.Builder
			for i, line := range test.lines {
				value, suffix, _ := strings.Cut(line, " ")
				fmt.Fprintf(&in, "k%d: %s%s\n", i, value, mark("ns:p"+suffix))
			}
			f := setters.Find("a.yaml", []byte(in.String()))
			if len(f.Sites) != 1 {
				t.Fatalf("sites: %v, findings: %v", f.Sites, f.Findings)
			}
			if diff := cmp.Diff(test.want, f.Sites[0].Written); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChartVersionIsReadAsTag(t *testing.T) {
	f := setters.Find("charts/x/Chart.yaml", []byte("dependencies:\n- version: 1.0.0+b.1"+mark("ns:p:tag")+"\n"))
	want := []pinsetter.Image{{Tag: "1.0.0_b.1"}}
	if diff := cmp.Diff(want, f.Sites[0].Written); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if got := f.Sites[0].Markers[0].Value; got != "1.0.0+b.1" {
		t.Errorf("value %q", got)
	}
}

func TestApplyRefusesImages(t *testing.T) {
	f := setters.Find("a.yaml", []byte("a: x:1"+mark("ns:all")+"\nb: x"+mark("ns:all:name")+"\nc: 1"+mark("ns:tag:tag")+"\nd: "+digest+mark("ns:digest:digest")+"\n"))
	for name, test := range map[string]struct {
		site  int
		image pinsetter.Image
	}{
		"no such site":      {3, pinsetter.Image{Name: "x", Tag: "1"}},
		"negative":          {-1, pinsetter.Image{Name: "x", Tag: "1"}},
		"no name":           {0, pinsetter.Image{Tag: "1"}},
		"name with newline": {0, pinsetter.Image{Name: "x\n", Tag: "1"}},
		"name with quote":   {0, pinsetter.Image{Name: `x"`, Tag: "1"}},
		"name with comment": {0, pinsetter.Image{Name: "x #", Tag: "1"}},
		"no tag":            {0, pinsetter.Image{Name: "x"}},
		"bad tag":           {1, pinsetter.Image{Tag: "a b"}},
		"tag with newline":  {1, pinsetter.Image{Tag: "1\n"}},
		"long tag":          {1, pinsetter.Image{Tag: strings.Repeat("a", 129)}},
		"no digest":         {2, pinsetter.Image{Name: "x", Tag: "1"}},
		"bad digest":        {1, pinsetter.Image{Tag: "1", Digest: "sha256:a"}},
	} {
		t.Run(name, func(t *testing.T) {
			data, changes, err := f.Apply(map[int]pinsetter.Image{test.site: test.image})
			if err == nil || data != nil || changes != nil {
				t.Errorf("%q, %v, %v", data, changes, err)
			}
		})
	}
}

func TestApplyReportsChanges(t *testing.T) {
	in := []byte("kind: A\nmetadata: {name: n}\nb: x:1" + mark("ns:q") + "\na: x:1" + mark("ns:p") + "\nc: '1'" + mark("ns:p:tag") + "\n")
	f := setters.Find("a.yaml", in)
	out, changes, err := f.Apply(map[int]pinsetter.Image{0: {Name: "x", Tag: "2"}, 1: {Name: "x", Tag: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	object := pinsetter.Object{Kind: "A", Name: "n"}
	want := []pinsetter.Change{{Path: "a.yaml", Line: 3, Setter: "ns:q", Object: object, Old: "x:1", New: "x:2"}}
	if diff := cmp.Diff(want, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if want := bytes.Replace(in, []byte("b: x:1"), []byte("b: x:2"), 1); !bytes.Equal(out, want) {
		t.Errorf("got %q", out)
	}
	same, changes, err := f.Apply(nil)
	if err != nil || changes != nil || &same[0] != &in[0] {
		t.Errorf("nothing to apply: %v, %v", changes, err)
	}
}

func TestTooLarge(t *testing.T) {
	data := append(bytes.Repeat([]byte("# x\n"), setters.MaxSize/4), "a: x:1"+mark("ns:p")...)
	f := setters.Find("a.yaml", data)
	if len(f.Sites) != 0 || len(f.Findings) != 1 || f.Findings[0].Code != setters.CodeTooLarge {
		t.Errorf("sites %v, findings %v", f.Sites, f.Findings)
	}
}

func TestTooManyMarkers(t *testing.T) {
	text := strings.Repeat("- x:1"+mark("ns:p")+"\n", setters.MaxMarkers)
	if f := setters.Find("a.yaml", []byte(text)); len(f.Sites) == 0 || len(f.Findings) != 0 {
		t.Errorf("%d sites, findings %v", len(f.Sites), f.Findings)
	}
	f := setters.Find("a.yaml", []byte(text+"- x:1"+mark("ns:p")))
	if len(f.Sites) != 0 || len(f.Findings) != 1 || f.Findings[0].Code != setters.CodeTooLarge {
		t.Errorf("%d sites, findings %v", len(f.Sites), f.Findings)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	f := setters.Find("a.yaml", []byte(strings.Repeat("- x"+mark("bad")+"\n", 3000)))
	if n := len(f.Findings); n != 1001 {
		t.Fatalf("%d findings", n)
	}
	if got := f.Findings[1000].Message; got != "2000 more findings in this file are not shown" {
		t.Errorf("last: %s", got)
	}
}

// TestLargeFile rewrites one value of a 10 MB file, in one document and in many.
func TestLargeFile(t *testing.T) {
	for name, filler := range map[string]string{"one document": "key-%d: a text that is about as long as the lines of a generated file are, é and all # n\n", "many documents": "---\na%d: 1\nb: |\n  x\n"} {
		t.Run(name, func(t *testing.T) {
			var in bytes.Buffer
			for i := 0; in.Len() < 10<<20; i++ {
				if i == 50_000 {
					in.WriteString("image: x:1" + mark("flux-system:app") + "\n")
				}
				fmt.Fprintf(&in, filler, i)
			}
			f := setters.Find("a.yaml", in.Bytes())
			got, changes, err := apply(f)
			if err != nil || len(changes) != 1 {
				t.Fatalf("%v, %v", changes, err)
			}
			if want := bytes.Replace(in.Bytes(), []byte("x:1"), []byte("ghcr.io/a/app:2.0.0"), 1); !bytes.Equal(got, want) {
				t.Error("other bytes changed")
			}
		})
	}
}

func TestEveryCodeIsExplained(t *testing.T) {
	seen := map[string]bool{setters.CodeTooLarge: true}
	names, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, _ := os.ReadFile("testdata/" + name.Name() + "/findings") // absent: nothing is found
		for line := range strings.Lines(string(data)) {
			code := strings.TrimSuffix(strings.Fields(line)[2], ":")
			seen[code] = true
			if setters.Codes[code] == "" {
				t.Errorf("code %s has no explanation", code)
			}
		}
	}
	for code := range setters.Codes {
		if !seen[code] {
			t.Errorf("code %s is in no golden file", code)
		}
	}
}

// TestCommentedOutLinesAreCounted: they are neither sites nor findings.
func TestCommentedOutLinesAreCounted(t *testing.T) {
	for name, want := range map[string]int{
		"commented-out-lines": 9, "commented-out-beside-marker-above": 2, "commented-out-is-no-excuse-for-words": 0, "commented-out-in-bad-document": 1, "comments": 0,
	} {
		f := setters.Find("in", read(t, "testdata/"+name+"/in"))
		recalled, ok := setters.Recall("in", nil, f.Note())
		if !ok || f.CommentedOut != want || recalled.CommentedOut != want {
			t.Errorf("%s: %d commented-out lines, want %d; recalled %v, %v", name, f.CommentedOut, want, recalled, ok)
		}
	}
}

// TestFormattersMoveMarkers: whether a marker that stands on another line than its
// value has an effect depends on who wrote the file last.
func TestFormattersMoveMarkers(t *testing.T) {
	for name, test := range map[string]struct {
		in            string
		before, after int // sites, and once kyaml has written the file
	}{
		"behind the value":                    {"image: x:1" + mark("ns:p") + "\n", 1, 1},
		"behind a bare key":                   {"image:" + mark("ns:p") + "\n  x:1\n", 0, 1},
		"between key and value":               {"image:\n " + mark("ns:p") + "\n  x:1\nb: c\n", 1, 0},
		"between key and value, with CRLF":    {"image:\r\n " + mark("ns:p") + "\r\n  x:1\r\nb: c\r\n", 1, 0},
		"behind a bare key, a sequence below": {"args:" + mark("ns:p") + "\n- x:1\n", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found := setters.Find("a.yaml", []byte(test.in))
			if len(found.Sites) != test.before || len(found.Sites) == 0 && len(found.Findings) == 0 {
				t.Errorf("%d sites, findings %v", len(found.Sites), found.Findings)
			}
			node, err := yaml.Parse(strings.ReplaceAll(test.in, "\r\n", "\n"))
			if err != nil {
				t.Fatal(err)
			}
			out, err := node.String()
			if err != nil {
				t.Fatal(err)
			}
			found = setters.Find("a.yaml", []byte(out))
			if len(found.Sites) != test.after || len(found.Sites) == 0 && len(found.Findings) == 0 {
				t.Errorf("written by kyaml %d sites, findings %v:\n%s", len(found.Sites), found.Findings, out)
			}
		})
	}
}
