package setters_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/setters"
)

// FuzzApply holds every file to what the package promises: bytes outside of the
// marked values never change, the same value changes nothing, twice equals once,
// and the result reads as the original but for the values in Changes.
func FuzzApply(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/in")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, seed := range seeds {
		for _, tag := range []string{"2.0.0", "1.10"} {
			f.Add(read(f, seed), "ghcr.io/a/app", tag)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, name, tag string) {
		if len(in) > 64<<10 {
			return
		}
		promises(t, in, pinsetter.Image{Name: name, Tag: tag, Digest: digest})
	})
}

// fragments are what FuzzCompose builds files from.
var fragments = []string{
	"image: x:1", "tag: ", "- ", "a: ", "? ", ": ", "{", "}", "[", "]", ", ", "&a ", "*a", "!!str ", "! ", "<<: *a",
	"1.0", "~", "\"q\"", "'s'", "\"a\\x41\"", "'it''s'", "|\n", ">-\n", "text", "é🚀", "y:1",
	"\n", "\n\n", "\r\n", "\r", "\u0085", "\u2028", "\n  ", "\n    ", "\n      ", "\t", " ", "   ",
	"---\n", "--- ", "\n---\n", "\n...\n", "%YAML 1.1\n", "\ufeff", "kind: List\nitems:\n", "spec:\n  ",
	` # {"$imagepolicy": "ns:p"}`, ` # {"$imagepolicy": "ns:p:tag"}`, `# {"$imagepolicy": "ns:q:digest"}`,
	` # {"$imagepolicy": "ns:q:name"}` + "\n", ` # {'$imagepolicy': 'ns:q'}` + "\n", " # note", "# note\n",
	"image: x:1 # {\"$imagepolicy\": \"ns:p\"}\n", "- x:1 # {\"$imagepolicy\": \"ns:p\"}\n", "# {\"$imagepolicy\": \"ns:p:tag\"}\n- v\n",
	` # {"$imagePolicy": "ns:p"}`, "# $imagepolicy: ns:p\n", "# imagepolicies: ns/p\n", "# a: x # {\"$imagepolicy\": \"ns:p\"}\n", `x:1#{"$imagepolicy":"ns:p"}`,
	"version: ", "url: oci://x/y", "repository: ", "digest: ", "sops: {mac: x}\n",
	"${x}", "x/y:1@sha256:00", "1@sha256:00", ">=1.0", "1.x", "ENC[x]", "kind: OCIRepository\n", "ref:\n  semver: ",
}

// FuzzCompose is FuzzApply over files that are mostly YAML: each byte of recipe
// names a fragment.
func FuzzCompose(f *testing.F) {
	f.Add([]byte{0, 47, 27, 1, 16, 48, 27})
	f.Add([]byte{45, 54, 46, 1, 48, 31, 39, 55, 56, 53})
	f.Fuzz(func(t *testing.T, recipe []byte) {
		if len(recipe) > 200 {
			return
		}
		var in []byte
		for _, b := range recipe {
			in = append(in, fragments[int(b)%len(fragments)]...)
		}
		promises(t, in, pinsetter.Image{Name: "ghcr.io/a/app", Tag: "1.10", Digest: digest})
	})
}

// promises checks all of them for one file and image.
func promises(t *testing.T, in []byte, image pinsetter.Image) {
	t.Helper()
	original := bytes.Clone(in)
	found := setters.Find("in", in)
	out, changes, err := everywhere(found, image)
	remembered(t, in, found.Note(), image)
	if !bytes.Equal(in, original) {
		t.Fatal("the input was written to")
	}
	if err != nil {
		return
	}
	outside(t, in, out, changes)
	reparsed(t, in, out, changes)
	again := setters.Find("in", out)
	twice, changes, err := everywhere(again, image)
	if err != nil || len(changes) > 0 || !bytes.Equal(twice, out) {
		t.Fatalf("applied twice: %v, %v, %q", err, changes, twice)
	}
	held(t, found, image)
	for i, site := range again.Sites {
		if ordinary(image) && i < len(found.Sites) && setters.Unfit(site, image.Name) != nil && setters.Unfit(found.Sites[i], image.Name) == nil {
			t.Fatalf("what was written is held: %v\n%q", site, out)
		}
	}
	if len(again.Sites) != len(found.Sites) || len(again.Findings) != len(found.Findings) {
		t.Fatalf("found again %d sites and %d findings instead of %d and %d:\n%q\n%q", len(again.Sites), len(again.Findings), len(found.Sites), len(found.Findings), in, out)
	}
}

// held checks that no site is written of which a value isn't what its marker names.
func held(t *testing.T, found *setters.File, image pinsetter.Image) {
	t.Helper()
	for i, site := range found.Sites {
		if setters.Unfit(site, image.Name) == nil {
			continue
		}
		if data, _, err := found.Apply(map[int]pinsetter.Image{i: image}); err == nil {
			t.Fatalf("a held site was written: %v\n%q", site, data)
		}
	}
}

// ordinary reports whether an image's parts can't be taken for something else: a
// name for a tag, or the other way round.
func ordinary(image pinsetter.Image) bool {
	versioned := setters.Field{Path: []string{"version"}}
	return setters.Classify(image.Name, setters.Field{}) == pinsetter.KindUntagged &&
		setters.Classify(image.Tag, versioned) == pinsetter.KindTag && !strings.HasSuffix(image.Name, "/"+image.Tag)
}

// remembered checks that what a note says is what is found.
func remembered(t *testing.T, in, note []byte, image pinsetter.Image) {
	t.Helper()
	found := setters.Find("in", in)
	recalled, ok := setters.Recall("in", in, note)
	blind, also := setters.Recall("in", nil, note)
	if !ok || !also {
		t.Fatalf("no note of %q", in)
	}
	if diff := cmp.Diff(recalled.Sites, blind.Sites); diff != "" {
		t.Fatalf("recalled without the file (+) something else than with it (-): %s", diff)
	}
	if diff := cmp.Diff(found.Sites, recalled.Sites, cmpopts.EquateEmpty()) + cmp.Diff(found.Findings, recalled.Findings); diff != "" {
		t.Fatalf("recalled (+) something else than found (-): %s", diff)
	}
	out, changes, err := everywhere(found, image)
	again, same, refused := everywhere(recalled, image)
	if diff := cmp.Diff(changes, same); diff != "" || !bytes.Equal(out, again) || fmt.Sprint(err) != fmt.Sprint(refused) {
		t.Fatalf("applied %q, %v, what was recalled %q, %v: %s", out, err, again, refused, diff)
	}
}

// everywhere applies an image to all sites that aren't held.
func everywhere(f *setters.File, image pinsetter.Image) ([]byte, []pinsetter.Change, error) {
	chosen := map[int]pinsetter.Image{}
	for i, site := range f.Sites {
		if setters.Unfit(site, image.Name) == nil {
			chosen[i] = image
		}
	}
	return f.Apply(chosen)
}

// outside checks that out is in with the old value of each change exchanged, in
// order, and nothing else: what stands between two values is the same bytes.
func outside(t *testing.T, in, out []byte, changes []pinsetter.Change) {
	t.Helper()
	want := 0
	for _, c := range changes {
		want += len(c.New) - len(c.Old)
	}
	// Quotes and the blank before a value where none was add up to three bytes a
	// change, and a null's spelling is at most four.
	if extra := len(out) - len(in) - want; extra < -4*len(changes) || extra > 3*len(changes) {
		t.Fatalf("%d bytes more than the %d changes account for", extra, len(changes))
	}
	if len(changes) == 0 && !bytes.Equal(in, out) {
		t.Fatal("bytes changed without a change")
	}
	if bytes.Count(in, []byte("\n")) != bytes.Count(out, []byte("\n")) {
		t.Fatalf("the number of lines changed:\n%q\n%q", in, out)
	}
	changed := map[int]bool{}
	for _, c := range changes {
		changed[c.Line] = true
	}
	was, is := bytes.Split(in, []byte("\n")), bytes.Split(out, []byte("\n"))
	for i := range was {
		if !changed[i+1] && !bytes.Equal(was[i], is[i]) {
			t.Fatalf("line %d changed without a change: %q became %q", i+1, was[i], is[i])
		}
	}
}

// reparsed checks with a parse of the whole file that only as many scalars
// differ as there are changes, each with a new value.
func reparsed(t *testing.T, in, out []byte, changes []pinsetter.Change) {
	t.Helper()
	was, err := scalars(in)
	if err != nil {
		return // a document without markers is malformed
	}
	is, err := scalars(out)
	if err != nil {
		t.Fatalf("the result does not parse: %v\n%q", err, out)
	}
	if len(was) != len(is) {
		t.Fatalf("%d scalars became %d", len(was), len(is))
	}
	wanted := map[string]int{}
	for _, c := range changes {
		wanted[c.New]++
	}
	differ := 0
	for i := range was {
		if was[i] == is[i] {
			continue
		}
		differ++
		if is[i].tag != yaml.NodeTagString || wanted[is[i].value] == 0 {
			t.Fatalf("scalar %d: %+v became %+v", i, was[i], is[i])
		}
		wanted[is[i].value]--
	}
	if differ != len(changes) {
		t.Fatalf("%d scalars differ with %d changes", differ, len(changes))
	}
}

// scalar is what a reader gets of a node.
type scalar struct {
	kind               yaml.Kind
	tag, value, anchor string
}

// scalars returns all nodes of a file in order, each with what it reads as.
func scalars(data []byte) ([]scalar, error) {
	var found []scalar
	var visit func(*yaml.Node)
	visit = func(n *yaml.Node) {
		found = append(found, scalar{n.Kind, n.Tag, n.Value, n.Anchor})
		for _, c := range n.Content {
			visit(c)
		}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		visit(&document)
	}
}

// FuzzFind looks for panics and for findings without a place.
func FuzzFind(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/in")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, seed := range seeds {
		f.Add(read(f, seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var found *setters.File
		budget.Affords(t, len(in), func() { found = setters.Find("in", in) })
		if !setters.HasToken(in) && (len(found.Sites) > 0 || len(found.Findings) > 0) {
			t.Fatal("something was found behind the screen")
		}
		lines := bytes.Count(in, []byte("\n")) + 1
		for _, site := range found.Sites {
			if len(site.Markers) == 0 {
				t.Fatal("a site without markers")
			}
			for _, m := range site.Markers {
				if m.Line < 1 || m.Line > lines {
					t.Fatalf("line %d of %d", m.Line, lines)
				}
			}
		}
		for _, finding := range found.Findings {
			if finding.Line > lines || finding.Line < 1 && finding.Code != setters.CodeNotUTF8 {
				t.Fatalf("finding %+v in %d lines", finding, lines)
			}
		}
	})
}

// FuzzRecall holds what is made of any note to what the file shows: a value that
// is written was found again.
func FuzzRecall(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/in")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, seed := range seeds {
		in := read(f, seed)
		f.Add(in, setters.Find("in", in).Note())
	}
	f.Fuzz(func(t *testing.T, in, note []byte) {
		budget.Affords(t, len(in)+len(note), func() {
			recalled, ok := setters.Recall("in", in, note)
			if !ok {
				return
			}
			for _, site := range recalled.Sites {
				_ = site.Line()
			}
			image := pinsetter.Image{Name: "ghcr.io/a/app", Tag: "1.10", Digest: digest}
			out, changes, err := everywhere(recalled, image)
			if err != nil || len(changes) == 0 {
				return
			}
			if want, _, err := everywhere(setters.Find("in", in), image); err != nil || !bytes.Equal(out, want) {
				t.Fatalf("from a note %q, want %q, %v", out, want, err)
			}
		})
	})
}

// FuzzClassify holds a value in any field to one kind: no marker of two parts
// takes it, unless it is empty or a word or name that may be either, and what a
// marker writes over it is of a kind that the marker takes again.
func FuzzClassify(f *testing.F) {
	for _, value := range []string{
		"", "1.0.0", "latest", "ghcr.io/a/app:1.0.0@" + digest, "oci://ghcr.io/a/app", "1.0.0@" + digest, digest,
		">=1.0.0 <2.0.0", "1.x", "${TAG:-1.0.0}", "ENC[x]", "https://x/y", "1.0.0+b.1", "a b",
	} {
		for _, key := range []string{"", "image", "tag", "repository", "digest", "version", "url"} {
			f.Add(value, key)
		}
	}
	f.Fuzz(func(t *testing.T, value, key string) {
		field := setters.Field{Path: []string{key}}
		kind := setters.Classify(value, field)
		var takes []string
		for _, suffix := range []string{"", ":name", ":tag", ":digest"} {
			if fits(kind, suffix) {
				takes = append(takes, suffix)
			}
		}
		switch kind {
		case pinsetter.KindAny, pinsetter.KindWord, pinsetter.KindUntagged:
		default:
			if len(takes) > 1 {
				t.Fatalf("%q in %q is %d, which %q take", value, key, kind, takes)
			}
		}
		written := map[string]string{"": "ghcr.io/a/app:2.0.0@" + digest, ":name": "ghcr.io/a/app", ":tag": "2.0.0", ":digest": digest}
		for _, suffix := range takes {
			if now := setters.Classify(written[suffix], field); !fits(now, suffix) {
				t.Fatalf("%q in %q takes ns:p%s, and then is %d", value, key, suffix, now)
			}
		}
	})
}

// fits reports whether a marker with a suffix takes a value of a kind.
func fits(kind pinsetter.Kind, suffix string) bool {
	part := map[string]pinsetter.Part{"": pinsetter.PartReference, ":name": pinsetter.PartName, ":tag": pinsetter.PartTag, ":digest": pinsetter.PartDigest}[suffix]
	site := pinsetter.Site{Markers: []pinsetter.Marker{{Part: part, Setter: "ns:p" + suffix, Kind: kind}}}
	return setters.Unfit(site, "ghcr.io/a/app") == nil
}
