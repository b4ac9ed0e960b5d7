package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// answers are what a hostile server says to paths that hold a text, by the text.
type answers map[string]func(w http.ResponseWriter, r *http.Request)

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for part, answer := range a {
		if strings.Contains(r.URL.Path, part) {
			answer(w, r)
			return
		}
	}
	if r.URL.Path != "/v2/" { // which a registry answers
		http.NotFound(w, r)
	}
}

// filler writes so many bytes of one letter.
func filler(w io.Writer, bytesWanted int) {
	block := bytes.Repeat([]byte{'x'}, 1<<20)
	for n := 0; n < bytesWanted; n += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// tagList answers with a list of so many tags.
func tagList(n int, tag func(i int) string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		text := bytes.NewBufferString(`{"name": "x", "tags": ["1.0.0"`)
		for i := range n {
			fmt.Fprintf(text, `,"%s"`, tag(i))
		}
		text.WriteString("]}")
		_, _ = w.Write(text.Bytes())
	}
}

// manyTags is the longest list of tags that is read, of versions.
var manyTags = tagList(999_000, func(i int) string { return fmt.Sprintf("1.%d.0-x%050d", i, i) })

// hugeAnswer is 300 MB of nothing.
func hugeAnswer(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	filler(w, 300<<20)
}

// BenchmarkWorstAnswers is a run over two images, as a whole process: the server of one
// answers with what takes the most memory, and the other has a newer tag, which is
// written. The metric x-memory is as that of BenchmarkWorst.
//
//   - tags: as many versions as a list may have, of 60 bytes; escapes: with escapes of
//     JSON; malformed: of names that are no tags; page: a list without end;
//   - crowd: 17 images with such a list of versions; policies: 17 policies of one;
//   - gate: versions that must wait;
//   - token, manifest: an answer of 300 MB from a token server, and for a manifest;
//   - index: of charts, of 99 MB and a million versions; forge: 10,000 pull requests in
//     each of many pages;
//   - explain: `explain` of a policy of as many versions, with its verdict on each.
func BenchmarkWorstAnswers(b *testing.B) {
	program := binary(b)
	one := tagList(0, nil)
	for _, row := range []struct {
		name   string
		spec   string // of the hostile policy, beside the range
		more   string // objects
		asks   []string
		server answers
	}{
		{name: "tags", server: answers{"/tags/list": manyTags}},
		{name: "escapes", server: answers{"/tags/list": tagList(999_000, func(i int) string { return fmt.Sprintf(`\u0031.%d.0-x%040d`, i, i) })}},
		{name: "malformed", server: answers{"/tags/list": tagList(999_000, func(i int) string { return fmt.Sprintf("%d/%045d", i, i) })}},
		{name: "page", server: answers{"/tags/list": hugeAnswer}},
		{name: "crowd", more: hostileImages(16), server: answers{"/tags/list": manyTags}},
		{name: "policies", more: hostilePolicies(16), server: answers{"/tags/list": manyTags}},
		{name: "gate", more: hostileGate, server: answers{"/tags/list": manyTags, "/manifests/": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
		}}},
		{name: "token", server: answers{"/token": hugeAnswer, "/v2/": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			filler(w, 300<<20)
		}}},
		{name: "manifest", spec: "  digestReflectionPolicy: Always\n  interval: 5m\n", server: answers{"/tags/list": one, "/manifests/": hugeAnswer}},
		{name: "index", more: hostileChart, server: answers{"/tags/list": one, "/index.yaml": chartIndex}},
		{name: "forge", more: hostileForge, server: answers{"/tags/list": one, "/pulls": pullRequests}},
		{name: "explain", asks: []string{"explain", "hostile"}, server: answers{"/tags/list": manyTags}},
	} {
		b.Run(row.name, func(b *testing.B) {
			f := newRig(b, "main")
			front := parts.Serve(b, row.server, parts.FrontOptions{})
			text, err := os.ReadFile(f.objects)
			if err != nil {
				b.Fatal(err)
			}
			more := strings.NewReplacer("ADDR", front.Addr, "SPEC", row.spec, "REGISTRY", f.registry.Addr, "REPO", f.repo.URL).Replace(hostileImage + row.more)
			if err := os.WriteFile(f.objects, append(text, more...), 0o600); err != nil {
				b.Fatal(err)
			}
			f.repo.CommitFile("main", "hostile.yaml", hostileMarkers(front.Addr, f.registry.Addr, strings.Count(row.more, "kind: ImagePolicy")), "Ann <ann@example.test>")
			run := func() cost {
				if row.asks != nil {
					return measure(b, program, append(row.asks, "--state", newState(b), "-f", f.objects)...)
				}
				c, said, err := measureAny(b, program, "run", "--state", newState(b), "-f", f.objects)
				if head := f.repo.File("main", "a.yaml"); head != f.with("1.1.0") {
					b.Fatalf("%v\n%.2000s", err, said)
				}
				return c
			}
			var t tally
			for b.Loop() {
				t.run(run, func() cost { return measure(b, program, "version") })
			}
			t.report(b, "x-version")
			b.ReportMetric(float64(most(t.ours))/float64(most(t.theirs)), "x-memory")
		})
	}
}

// chartIndex answers with an index of 99 MB.
func chartIndex(w http.ResponseWriter, _ *http.Request) {
	text := bytes.NewBufferString("apiVersion: v1\nentries:\n  web:\n")
	for i := 0; text.Len() < 99<<20; i++ {
		fmt.Fprintf(text, "  - version: 1.%d.0\n    name: web\n    created: 2024-01-02T03:04:05Z\n    urls: [web-1.%d.0.tgz]\n", i, i)
	}
	_, _ = w.Write(text.Bytes())
}

// pullRequests answers as Gitea with one of many pages.
func pullRequests(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/pulls") || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("X-Total-Count", "1000000000")
	w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?page=%d>; rel="next"`, r.Host, r.URL.Path, len(r.URL.RawQuery)+2))
	text := bytes.NewBufferString("[")
	for i := range 10_000 {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(text, `{"number": %d, "state": "open", "title": "x", "body": "%01200d", "head": {"ref": "pinsetter/x%d"}, "base": {"ref": "main"}}`, i+1, i, i)
	}
	text.WriteByte(']')
	_, _ = w.Write(text.Bytes())
}

// hostileMarkers is a file with a marker of each policy that the rows have.
func hostileMarkers(hostile, good string, policies int) string {
	text := "image: " + hostile + "/x:1.0.0 # {\"$imagepolicy\": \"default:hostile\"}\n"
	for i := range policies {
		text += fmt.Sprintf("image%d: %s/x%d:1.0.0 # {\"$imagepolicy\": \"default:hostile-%d\"}\n", i, hostile, i, i)
	}
	return text + "other: " + good + "/org/app:1.0.0 # {\"$imagepolicy\": \"other:app\"}\nchart: 1.0.0 # {\"$imagepolicy\": \"default:chart:tag\"}\n"
}

// hostileImage is a policy of an image at ADDR.
const hostileImage = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: hostile}
spec: {image: ADDR/x, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: hostile, labels: {wait: "yes"}}
spec:
  imageRepositoryRef: {name: hostile}
  policy: {semver: {range: ">=0.0.0-0"}}
SPEC`

// hostileImages are the objects of so many images more.
func hostileImages(n int) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(strings.NewReplacer("hostile", fmt.Sprintf("hostile-%d", i), "ADDR/x", fmt.Sprintf("ADDR/x%d", i)).Replace(hostileImage))
	}
	return text.String()
}

// hostilePolicies are so many policies more of the one image.
func hostilePolicies(n int) string {
	var text strings.Builder
	_, policy, _ := strings.Cut(hostileImage[4:], "---")
	for i := range n {
		text.WriteString("---" + strings.NewReplacer("metadata: {name: hostile,", fmt.Sprintf("metadata: {name: hostile-%d,", i), ">=0.0.0-0", fmt.Sprintf(">=0.0.%d-0", i)).Replace(policy))
	}
	return text.String()
}

// hostileChart is a policy of a chart in an index at ADDR.
const hostileChart = `---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts}
spec: {url: "http://ADDR", interval: 5m}
---
apiVersion: pinsetter.dev/v1alpha1
kind: ChartRepository
metadata: {name: chart}
spec: {sourceRef: {name: charts}, chart: web, interval: 5m}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: chart}
spec: {imageRepositoryRef: {name: chart}, policy: {semver: {range: ">=1.0.0"}}}
`

// hostileGate has the hostile policy wait.
const hostileGate = `---
apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata: {name: wait}
spec: {policySelector: {matchLabels: {wait: "yes"}}, minAge: 72h}
`

// hostileForge is an automation whose pull requests are at ADDR.
const hostileForge = `---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageRepository
metadata: {name: app, namespace: other}
spec: {image: REGISTRY/org/app, interval: 5m, insecure: true}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImagePolicy
metadata: {name: app, namespace: other}
spec: {imageRepositoryRef: {name: app}, policy: {semver: {range: ^1.0.0}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: fleet, namespace: other}
spec: {url: REPO, interval: 5m, ref: {branch: main}}
---
apiVersion: image.toolkit.fluxcd.io/v1
kind: ImageUpdateAutomation
metadata: {name: apps, namespace: other}
spec:
  interval: 5m
  sourceRef: {kind: GitRepository, name: fleet}
  git: {commit: {author: {name: Bot, email: bot@example.test}}}
---
apiVersion: v1
kind: Secret
metadata: {name: forge, namespace: other}
stringData: {token: only-for-the-bench}
---
apiVersion: pinsetter.dev/v1alpha1
kind: PullRequest
metadata: {name: apps, namespace: other}
spec: {automationRef: {name: apps}, provider: gitea, address: "http://ADDR/org/fleet", secretRef: {name: forge}}
`
