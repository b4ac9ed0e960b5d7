package config_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/source"
)

const repositoryYAML = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: r}\nspec: {image: alpine, interval: 5m}\n"

// TestLoadBounds: files that exceed a bound or aren't UTF-8 end in one finding.
func TestLoadBounds(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, b := range []byte(repositoryYAML) {
		utf16 = append(utf16, b, 0)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"file", bytes.Repeat([]byte(repositoryYAML), 100<<20/len(repositoryYAML)), "x: the file has more than 16 MiB: split it"},
		{"document", append([]byte(repositoryYAML), bytes.Repeat([]byte("- "), 3<<20)...), "x:1: the document has more than 1000000 values: split it"},
		{"UTF-16", utf16, "x:1: the file is UTF-16 (little endian): save it as UTF-8"},
		{"UTF-16 of something else", []byte{0xff, 0xfe, 'a', 0}, ""},
		{"byte order mark", append([]byte("\xef\xbb\xbf"), repositoryYAML...), ""},
		{"CRLF", []byte(strings.ReplaceAll(repositoryYAML+"---\n"+repositoryYAML, "\n", "\r\n")), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := config.Load([]source.File{{Path: "x", Data: test.data}}, config.Options{})
			got := ""
			for _, f := range set.Findings {
				got += f.String()
			}
			if got != test.want {
				t.Errorf("findings %q, want %q", got, test.want)
			}
		})
	}
}

// TestLoadTooMany: of objects that together exceed a bound, those behind it are not
// read, which is said once, and a guard among them is missing.
func TestLoadTooMany(t *testing.T) {
	var data strings.Builder
	for i := range 12 {
		fmt.Fprintf(&data, "apiVersion: v1\nkind: Secret\nmetadata: {name: s%d}\ndata: [%s]\n---\n", i, strings.Repeat("a,", 49_000))
	}
	data.WriteString("apiVersion: pinsetter.dev/v1alpha1\nkind: Gate\nmetadata: {name: g}\nspec: {policySelector: {}, minAge: 1h}\n")
	set := config.Load([]source.File{{Path: "x", Data: []byte(data.String())}}, config.Options{})
	var said []string
	for _, f := range set.Findings {
		if strings.Contains(f.Message, "from here on no object is read, since there are more than 1000000 values in them") {
			said = append(said, fmt.Sprint(f.Line))
		}
	}
	if !slices.Equal(said, []string{"50"}) || len(set.Missing) == 0 || len(set.Gates) > 0 {
		t.Errorf("said at %v, missing %v: %.1000v", said, set.Missing, set.Findings)
	}
}

func TestSecretDirMissing(t *testing.T) {
	set := config.Load(nil, config.Options{SecretDirs: []string{"/does/not/exist"}})
	if got, want := fmt.Sprint(set.Findings), "[/does/not/exist: the folder of Secrets can't be read: no such file or directory]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLoadBombs: aliases that expand to billions of values, and objects that are
// wrong in very many places, end soon.
func TestLoadBombs(t *testing.T) {
	const head = "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: x}\nspec:\n"
	var keys strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&keys, "    key%d: v\n", i)
	}
	list := "apiVersion: v1\nkind: List\nitems: "
	tests := []struct {
		name, text, want string
		findings         int
	}{
		{"unknown fields", head + keys.String(), "more is wrong than these 50 findings: mend them first", 51},
		{"merged fields", head + "  <<:\n" + keys.String(), "more is wrong than these 50 findings: mend them first", 51},
		{"the same large object often", "x: &o {apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, metadata: {name: x}, spec: {a: [" +
			strings.Repeat("x,", 80_000) + "]}}\n" + list + "[" + strings.Repeat("*o,", 50_000) + "]", "the document has more than 1000000 values, its aliases expanded", 4},
		{"lists in lists", "a: &a {apiVersion: v1, kind: List, items: [" + strings.Repeat("{kind: Secret},", 300) + "]}\n" +
			"b: &b {apiVersion: v1, kind: List, items: [" + strings.Repeat("*a,", 300) + "]}\n" +
			"c: &c {apiVersion: v1, kind: List, items: [" + strings.Repeat("*b,", 300) + "]}\n" +
			list + "[" + strings.Repeat("*c,", 300) + "]", "the document has more than 1000000 values, its aliases expanded", 1},
		{"control characters", head + "  \"a\\nb\\e[31m\": 1", `spec.a\nb\x1b[31m: the field does not exist`, 3},
		{"long value", head + "  interval: " + strings.Repeat("é", 100_000), "…", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			set := config.Load([]source.File{{Path: "x", Data: []byte(test.text)}}, config.Options{})
			found := slices.ContainsFunc(set.Findings, func(f pinsetter.Finding) bool { return strings.Contains(f.Message, test.want) })
			if !found || len(set.Findings) != test.findings {
				t.Errorf("%d findings, want %d with %q: %.3000v", len(set.Findings), test.findings, test.want, set.Findings)
			}
			for _, f := range set.Findings {
				if len(f.Message) > 1100 {
					t.Errorf("a message of %d bytes", len(f.Message))
				}
			}
		})
	}
}
