package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/forge"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

// guarded is an automation with a policy of its own, in a namespace.
const guarded = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app, namespace: NS}
spec: {image: REG/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app, namespace: NS, labels: {tier: TIER}}
spec:
  imageRepositoryRef: {name: app}
  policy: {semver: {range: ^1.0.0}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: NS}
spec: {url: REPO, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: NAME, namespace: NS}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
  update: {path: NS}
`

// guards are those of the namespaces a, b and c, by file. Nothing guards free.
var guards = map[string]string{
	"a.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata:
  name: propose
  namespace: a
spec:
  automationRef:
    name: apps
  provider: gitea
  address: http://127.0.0.1:1/org/fleet
  labels:
  - updates
  groupBy: policy
`,
	"b.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: hold
  namespace: b
spec:
  hold:
  - tags:
    - 1.1.0
    reason: broken
`,
	"c.yaml": `apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata:
  name: careful
  namespace: c
spec:
  policySelector:
    matchLabels:
      tier: production
  maxBump: patch
`,
	// So that the folder holds something whatever becomes of the others.
	"namespace.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n",
}

// meant are changes of one field or file that people may mean, and that lift the
// guard: every other change of one must not.
var meant = []string{
	"b.yaml spec.hold[0].tags[0]=zzz", // another tag is held
	"b.yaml metadata.namespace=a",     // it attaches there: it selects all policies
	"b.yaml metadata.namespace=c",     // the same
	"b.yaml metadata.namespace=free",  // the same
	"c.yaml metadata.namespace=a",     // it attaches there: a policy has the label
	"c.yaml metadata.namespace=b",     // the same
	"a.yaml metadata.namespace=b",     // it attaches there: an automation has the name
	"a.yaml metadata.namespace=c",     // the same
	"a.yaml as x.yaml.bak",            // by its name it is no file of objects: who switches
	"b.yaml as x.yaml.bak",            // a guard off renames it so
	"c.yaml as x.yaml.bak",            //
}

// TestChangedGuards changes one field or file of a Gate or PullRequest at a time.
// Nothing is written then that would have been held or proposed before.
func TestChangedGuards(t *testing.T) {
	g := newGuardedFleet(t)
	g.write(t, guards)
	if written := g.run(t, "a", "b", "c", "free"); !slices.Equal(written, []string{"free"}) {
		t.Fatalf("without a change %q are written", written)
	}
	met := map[string]bool{}
	for _, file := range []string{"a.yaml", "b.yaml", "c.yaml"} {
		for _, m := range mutations(t, guards, file) {
			met[m.name] = true
			if lifts := slices.Contains(meant, m.name); lifts != (len(g.after(t, m)) > 0) {
				t.Errorf("%s: lifts a guard: %t", m.name, !lifts)
			}
		}
	}
	for _, name := range meant {
		if !met[name] {
			t.Errorf("%q is no change that is tried", name)
		}
	}
}

// TestChangedGuardsWithoutNamespace is the same for guards that leave their
// namespace to -n.
func TestChangedGuardsWithoutNamespace(t *testing.T) {
	g := newGuardedFleet(t)
	for file, text := range guards {
		namespace := strings.TrimSuffix(file, ".yaml")
		if namespace == "namespace" {
			continue
		}
		files := maps.Clone(guards)
		files[file] = strings.Replace(text, "  namespace: "+namespace+"\n", "", 1)
		g.namespace = namespace
		for _, m := range mutations(t, files, file) {
			if strings.Contains(m.name, " spec.") || slices.Contains(meant, m.name) {
				continue
			}
			if written := g.after(t, m); len(written) > 0 {
				t.Errorf("%s: %q are written", m.name, written)
			}
		}
	}
}

// after returns what is written after a change, of what may be concerned.
func (g *guardedFleet) after(t *testing.T, m mutation) []string {
	t.Helper()
	g.write(t, m.files)
	if m.then != nil {
		m.then(t, g.dir)
	}
	if strings.Contains(m.name, "metadata") {
		return g.run(t, "a", "b", "c")
	}
	return g.run(t, m.name[:1])
}

// guardedFleet is a repository with a site in each namespace.
type guardedFleet struct {
	dir      string // has objects.yaml and the folder gates
	repo     *parts.Repository
	head     string
	reg      *parts.Registry
	registry *registry.Registry

	namespace  string // of objects that name none
	kustomized bool   // gates are built from a kustomization
}

// newGuardedFleet returns one with the namespaces a, b, c and free, and more.
func newGuardedFleet(t *testing.T, more ...string) *guardedFleet {
	t.Helper()
	reg := parts.NewRegistry(t, parts.RegistryOptions{})
	reg.Push("org/app", "1.0.0", "1.1.0")
	files := map[string]string{}
	for _, ns := range append([]string{"a", "b", "c", "free"}, more...) {
		files[ns+"/app.yaml"] = fmt.Sprintf("image: %s/org/app:1.0.0 # {\"$imagepolicy\": \"%s:app\"}\n", reg.Addr, ns)
	}
	repo := parts.NewGit(t, parts.GitOptions{}).NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: files}})
	g := &guardedFleet{dir: t.TempDir(), repo: repo, reg: reg, head: repo.Head("main"), namespace: "default"}
	g.registry = registry.New(registry.Options{Anonymous: true, Keep: 1 << 20})
	var objects strings.Builder
	names := [][3]string{{"a", "apps", "production"}, {"b", "apps", "production"}, {"c", "apps", "production"}, {"free", "all", "other"}}
	for _, ns := range more {
		names = append(names, [3]string{ns, "apps", "production"})
	}
	for _, ns := range names {
		objects.WriteString(strings.NewReplacer("NS", ns[0], "NAME", ns[1], "TIER", ns[2], "REG", reg.Addr, "REPO", repo.URL).Replace(guarded))
	}
	write(t, filepath.Join(g.dir, "objects.yaml"), objects.String())
	return g
}

// write replaces the folder of guards.
func (g *guardedFleet) write(t *testing.T, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(g.dir, "gates")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		write(t, filepath.Join(g.dir, "gates", name), text)
	}
}

// run runs the automations of some namespaces, returns those whose sites are
// written to main, and takes that back.
func (g *guardedFleet) run(t *testing.T, namespaces ...string) []string {
	t.Helper()
	a := cli.New(cli.Streams{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}, "")
	a.Namespace = g.namespace
	a.Filenames = []string{filepath.Join(g.dir, "objects.yaml"), filepath.Join(g.dir, "gates")}
	if g.kustomized {
		a.Filenames, a.Kustomize = a.Filenames[:1], a.Filenames[1:]
	}
	set, err := a.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stopped := func(ns string) bool { // the bot writes nothing of a policy without gates: others hold that
		_, err := set.GatesFor(set.Policy(pinsetter.Name{Namespace: ns, Name: "app"}))
		return err != nil
	}
	if namespaces = slices.DeleteFunc(namespaces, stopped); len(namespaces) == 0 {
		return nil
	}
	bot.New(set, bot.Options{
		Registry: g.registry,
		Git:      gitops.Options{Environment: login.Environment{Getenv: func(string) string { return "" }}},
		Forge:    forge.Options{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	}).Cycle(t.Context(), bot.Push, slices.DeleteFunc(slices.Clone(set.Automations), func(a *fleet.Automation) bool {
		return !slices.Contains(namespaces, a.Name.Namespace)
	}))
	var written []string
	if g.repo.Head("main") != g.head {
		for _, path := range strings.Fields(g.repo.Git("diff", "--name-only", g.head, "main")) {
			written = append(written, filepath.Dir(path))
		}
		g.repo.Git("update-ref", "refs/heads/main", g.head)
	}
	return written
}

// mutation is the folder of guards with one change.
type mutation struct {
	name  string
	files map[string]string
	then  func(t *testing.T, dir string)
}

// mutations are all changes of one of the files.
func mutations(t *testing.T, unchanged map[string]string, file string) []mutation {
	t.Helper()
	var all []mutation
	with := func(name, as, text string) mutation {
		files := maps.Clone(unchanged)
		delete(files, file)
		files[as] = text
		return mutation{name: file + " " + name, files: files}
	}
	text := unchanged[file]
	for _, change := range slices.Concat(fieldChanges(t, text), textChanges(text)) {
		all = append(all, with(change.name, file, change.text))
	}
	for _, as := range []string{"x.YAML", "x.Yml", "x.yml", "deep/er/x.yaml", ".hidden/x.yaml", "..x/x.yaml", "x.yaml.bak"} {
		all = append(all, with("as "+as, as, text))
	}
	all = append(all, with("as JSON", "x.json", inJSON(t, text)), with("as JSON in YAML", file, inJSON(t, text)))
	for name, then := range linkChanges(file) {
		m := with(name, file, text)
		m.then = then
		all = append(all, m)
	}
	return append(all,
		mutation{name: file + " in a folder that is empty", files: map[string]string{"README": ""}},
		mutation{name: file + " in a folder that is gone"},
	)
}

type change struct{ name, text string }

// apiVersions and kinds are what people write where they mean ours.
var (
	apiVersions = []string{
		"pinsetter.dev", "v1alpha1", "v1", "pinsetter.dev/", "pinsetter.dev/v1", "pinsetter.dev/v1beta1", "pinsetter.dev/v1alpha2",
		"pinseter.dev/v1alpha1", "Pinsetter.dev/v1alpha1", "pinsetter.io/v1alpha1", "pinsetter/v1alpha1", "gate.pinsetter.dev/v1alpha1",
		"image.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1", "notification.toolkit.fluxcd.io/v1", "fluxcd.io/v1",
		"'{{ .Values.api }}/v1alpha1'", "$GROUP/v1alpha1", "$(GROUP)/v1alpha1", "'@group@/v1alpha1'", "GROUP/v1alpha1",
		"https://pinsetter.dev/v1alpha1", "v1alpha1/pinsetter.dev", "'ENC[AES256_GCM,data:abc/def==,iv:x,tag:y,type:str]'",
	}
	kinds = []string{"gate", "Gates", "GATE", "GateList", "Hold", "PullRequests", "pullrequest", "PullRequestList", "MergeRequest", "List", "Gate", "PullRequest",
		"ArtifactAutomation", "ChartRepository", "'ENC[AES256_GCM,data:abc,iv:x,tag:y,type:str]'"}
)

// fieldChanges are what can become of one field: its key misspelt, the field
// removed, another value.
func fieldChanges(t *testing.T, text string) []change {
	t.Helper()
	var all []change
	try := func(name string, edit func(path string, key, value *yaml.Node) bool) {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(text), &document); err != nil {
			t.Fatal(err)
		}
		visit(document.Content[0], "", edit)
		out, err := yaml.Marshal(document.Content[0])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, change{name, string(out)})
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	visit(document.Content[0], "", func(path string, key, value *yaml.Node) bool {
		if key != nil {
			for _, misspelt := range []string{key.Value[:len(key.Value)-1], strings.ToUpper(key.Value)} {
				try(path+" misspelt as "+misspelt, func(p string, key, _ *yaml.Node) bool {
					if p == path {
						key.Value = misspelt
					}
					return true
				})
			}
			try(path+" removed", func(p string, _, _ *yaml.Node) bool { return p != path })
		}
		values := []string{"zzz", "null", "[]", "7"}
		switch path {
		case "apiVersion":
			values = append(values, apiVersions...)
		case "kind":
			values = append(values, kinds...)
		case "metadata.namespace":
			values = append(values, "a", "b", "c", "free", "default", "A", "a b")
		case "spec.policySelector.matchLabels.tier":
			values = append(values, "other", "prodction")
		case "spec.automationRef.name":
			values = append(values, "app", "all")
		}
		for _, v := range values {
			try(path+"="+v, func(p string, _, value *yaml.Node) bool {
				if p == path {
					var node yaml.Node
					if err := yaml.Unmarshal([]byte(v), &node); err != nil {
						t.Fatal(err)
					}
					*value = *node.Content[0]
				}
				return true
			})
		}
		return true
	})
	return all
}

// visit calls f with every field and item; what it returns false for is removed.
func visit(n *yaml.Node, path string, f func(path string, key, value *yaml.Node) bool) {
	var kept []*yaml.Node
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			below := strings.TrimPrefix(path+"."+key.Value, ".")
			visit(value, below, f)
			if f(below, key, value) {
				kept = append(kept, key, value)
			}
		}
	case yaml.SequenceNode:
		for i, value := range n.Content {
			below := fmt.Sprintf("%s[%d]", path, i)
			visit(value, below, f)
			if f(below, nil, value) {
				kept = append(kept, value)
			}
		}
	default:
		return
	}
	n.Content = kept
}

// textChanges are what can become of the bytes of a file.
func textChanges(text string) []change {
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  replicas: 1\n"
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
	lines := strings.SplitAfter(text, "\n")
	swapped := lines[1] + lines[0] + strings.Join(lines[2:], "") // kind before apiVersion
	all := []change{
		{"with no separator before it", deployment + text},
		{"with no separator before it, its kind first", deployment + swapped},
		{"glued to its separator", deployment + "---" + text},
		{"with a separator behind the last value", strings.TrimSpace(deployment) + "---\n" + swapped},
		{"behind a separator in lines of CR", deployment + "\r---\r" + text},
		{"behind a separator in lines of NEL", deployment + "\u0085---\n" + text},
		{"indented into the object before it", deployment + indented},
		{"indented into items by name", "apiVersion: v1\nkind: List\nitems:\n  first:\n  " + strings.ReplaceAll(indented, "\n", "\n  ") + "\n"},
		{"as a text in items", "apiVersion: v1\nkind: List\nitems:\n- |\n" + indented},
		{"as the objects of another kind", "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n- " + strings.TrimSpace(indented) + "\n"},
		{"under a merge key in quotes", "x: &x\n" + indented + "\"<<\": *x\n"},
		{"commented out with slashes", "// " + strings.Join(strings.SplitAfter(strings.TrimSpace(text), "\n"), "// ") + "\n"},
		{"as the lines of a diff", "+" + strings.Join(strings.SplitAfter(strings.TrimSpace(text), "\n"), "+") + "\n"},
		{"encrypted with its kind", strings.NewReplacer("pinsetter.dev/v1alpha1", "ENC[AES256_GCM,data:QQ==,iv:a,tag:b,type:str]", "kind: Gate", "kind: ENC[AES256_GCM,data:QQ==,iv:a,tag:b,type:str]",
			"kind: PullRequest", "kind: ENC[AES256_GCM,data:QQ==,iv:a,tag:b,type:str]").Replace(text)},
		{"as a pointer of Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"},
		{"cut off", text[:len(text)-3] + "\n  x: ["},
		{"with a tab", strings.Replace(text, "  name", "\tname", 1)},
		{"twice, with another spec", text + "---\n" + strings.NewReplacer("apps", "other", "1.1.0", "9.9.9", "production", "other").Replace(text)},
		{"in CRLF", strings.ReplaceAll(text, "\n", "\r\n")},
		{"with a byte order mark", "\xef\xbb\xbf" + text},
		{"in Latin-1", "# caf\xe9\n" + text},
		{"in UTF-16", wide(text, true, 2, "\xff\xfe")},
		{"in UTF-16, big endian", wide(text, false, 2, "\xfe\xff")},
		{"in UTF-16 without a mark", wide(text, true, 2, "")},
		{"in UTF-32", wide(text, true, 4, "\xff\xfe\x00\x00")},
		{"in a bare list", "- " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"},
		{"in a List without version", "kind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"},
		{"in what is no List", "apiVersion: v1\nkind: Lsit\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"},
		{"as a template", strings.Replace(text, "spec:", "{{ if .Values.x }}\nspec:", 1) + "{{ end }}\n"},
		{"with another kind too", strings.Replace(text, "metadata:", "kind: ConfigMap\nmetadata:", 1)},
		{"with another version before", "apiVersion: v1\n" + text},
		{"with another namespace too", strings.Replace(text, "  name:", "  namespace: zzz\n  name:", 1)},
		{"with its kind by a merge key", "<<: {kind: " + strings.TrimSpace(strings.SplitAfter(strings.SplitN(text, "kind:", 2)[1], "\n")[0]) + "}\n" +
			strings.Replace(text, "kind:"+strings.SplitAfter(strings.SplitN(text, "kind:", 2)[1], "\n")[0], "", 1)},
		{"with its spec by an alias", strings.Replace(text, "spec:", "x-spec: &s", 1) + "spec: *s\n"},
		{"with a tag", strings.Replace(text, "kind: ", "kind: !ours ", 1)},
		{"with escapes", strings.NewReplacer("kind: Gate", `"k\x69nd": "G\x61te"`, "kind: PullRequest", `"k\x69nd": "Pull\x52equest"`).Replace(text)},
		{"with its kind in base64", strings.NewReplacer("kind: Gate", "kind: !!binary R2F0ZQ==", "kind: PullRequest", "kind: !!binary UHVsbFJlcXVlc3Q=").Replace(text)},
		{"in a List in a List", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"},
		{"behind three dots", "a: b\n...\n" + text},
		{"with a variable", strings.NewReplacer("namespace: a", "namespace: ${ns}", "namespace: b", "namespace: ${ns}", "namespace: c", "namespace: ${ns}").Replace(text)},
	}
	for i, line := range lines {
		if strings.Contains(line, ":") {
			broken := slices.Clone(lines)
			broken[i] = strings.Replace(line, ":", "", 1)
			all = append(all, change{fmt.Sprintf("line %d without its colon", i+1), strings.Join(broken, "")})
		}
	}
	return all
}

// wide encodes ASCII text in units of so many bytes.
func wide(text string, little bool, size int, mark string) string {
	out := []byte(mark)
	for _, unit := range utf16.Encode([]rune(text)) {
		bytes := make([]byte, size)
		if little {
			bytes[0] = byte(unit)
		} else {
			bytes[size-1] = byte(unit)
		}
		out = append(out, bytes...)
	}
	return string(out)
}

func inJSON(t *testing.T, text string) string {
	t.Helper()
	var v any
	err := yaml.Unmarshal([]byte(text), &v)
	out, failed := json.Marshal(v)
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return string(out)
}

// linkChanges put a link in the place of the file.
func linkChanges(file string) map[string]func(t *testing.T, dir string) {
	move := func(t *testing.T, dir, to string) {
		t.Helper()
		to = filepath.Join(dir, to)
		if err := os.RemoveAll(filepath.Dir(to)); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "gates", file), to); err != nil {
			t.Fatal(err)
		}
	}
	link := func(t *testing.T, dir, target, at string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, "gates", at)); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]func(t *testing.T, dir string){
		"behind a link": func(t *testing.T, dir string) {
			move(t, dir, "elsewhere/x.yaml")
			link(t, dir, "../elsewhere/x.yaml", "x.yaml")
		},
		"in a linked folder": func(t *testing.T, dir string) {
			move(t, dir, "elsewhere/x.yaml")
			link(t, dir, "../elsewhere", "more")
		},
		"in a linked folder that is gone": func(t *testing.T, dir string) {
			move(t, dir, "elsewhere/x.yaml")
			link(t, dir, "../nowhere", "more")
		},
		"behind a link to nothing": func(t *testing.T, dir string) {
			move(t, dir, "elsewhere/x.yaml")
			link(t, dir, "nowhere", "x.yaml")
		},
		"in a mounted folder": func(t *testing.T, dir string) {
			move(t, dir, "gates/..2026_11_30/more/x.yaml")
			link(t, dir, "..2026_11_30", "..data")
			link(t, dir, "..data/more", "more")
		},
		"unreadable": func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, "gates", file), 0); err != nil {
				t.Fatal(err)
			}
			if os.Geteuid() == 0 { // who may read everything
				move(t, dir, "elsewhere/x.yaml")
				link(t, dir, filepath.Join("/proc", "self", "mem"), "x.yaml")
			}
		},
	}
}
