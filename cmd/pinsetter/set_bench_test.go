package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
)

// shelf is a folder of manifests, of a hundred of which so many are marked.
type shelf struct {
	dir            string
	files, percent int
	image          string
	rich           bool // several documents a file, with comments and several markers
}

// newShelf writes the manifests, all showing tag.
func newShelf(b *testing.B, files, percent int, image, tag string) shelf {
	b.Helper()
	return shelf{parts.Dir(b), files, percent, image, false}.fill(b, tag)
}

// newRichShelf is newShelf with files of several documents, comments and markers.
func newRichShelf(b *testing.B, files, percent int, image, tag string) shelf {
	b.Helper()
	return shelf{parts.Dir(b), files, percent, image, true}.fill(b, tag)
}

// fill writes all manifests.
func (s shelf) fill(b *testing.B, tag string) shelf {
	b.Helper()
	for i := range s.files {
		s.write(b, i, tag)
	}
	return s
}

// mark has the marked manifests show tag.
func (s shelf) mark(b *testing.B, tag string) {
	b.Helper()
	for i := range s.files {
		if s.marked(i) {
			s.write(b, i, tag)
		}
	}
}

// marked reports whether the ith manifest is.
func (s shelf) marked(i int) bool { return i*7919%100 < s.percent }

// write writes the ith manifest.
func (s shelf) write(b *testing.B, i int, tag string) {
	b.Helper()
	dir := filepath.Join(s.dir, fmt.Sprintf("cluster-%d", i/5000), fmt.Sprintf("team-%d", i/100))
	if i%100 == 0 {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	marker := ""
	if s.marked(i) {
		marker = ` # {"$imagepolicy": "default:app"}`
	}
	text := s.deployment(i, tag, marker)
	if s.rich {
		text = s.documents(i, tag, marker)
	}
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("app-%d.yaml", i)), []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// deployment returns a document with one image.
func (s shelf) deployment(i int, tag, marker string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-%d\n  namespace: team-%d\nspec:\n  replicas: 2\n", i, i/100)
	text.WriteString("  template:\n    spec:\n      containers:\n        - name: app\n")
	fmt.Fprintf(&text, "          image: %s:%s%s\n          ports: [{containerPort: 8080}]\n          env:\n", s.image, tag, marker)
	for v := range 8 {
		fmt.Fprintf(&text, "            - name: VARIABLE_%d\n              value: \"value %d\"\n", v, v*i)
	}
	return text.String()
}

// documents returns four documents with comments, of which two have images: three.
func (s shelf) documents(i int, tag, marker string) string {
	return fmt.Sprintf(`# The app of team %[1]d, and the job that fills its database.
---
apiVersion: v1
kind: Service
metadata:
  name: app-%[1]d # as its Deployment
  namespace: team
spec:
  # Only the ingress may ask for it.
  type: ClusterIP
  selector: {app.kubernetes.io/name: app-%[1]d}
  ports:
    - name: http
      port: 80
      targetPort: http
---
%[2]s      initContainers:
        # Waits for the database.
        - name: wait
          image: "%[3]s:%[4]s"%[5]s
          command: ["app", "wait"]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-%[1]d
data:
  LEVEL: 'info'

  # Milliseconds.
  TIMEOUT: "5000"
---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: fill-%[1]d
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - name: fill
            image: %[3]s:%[4]s%[5]s
            args: [fill, --all]
          restartPolicy: Never
`, i, s.deployment(i, tag, marker), s.image, tag, marker)
}

// BenchmarkSet is `pinsetter set` as a whole process, beside `grep -rlF` over the
// same tree. Nothing is to change, but in the rows "all", in which every marked
// file is rewritten.
func BenchmarkSet(b *testing.B) {
	program := binary(b)
	registry := parts.NewRegistry(b, parts.RegistryOptions{})
	registry.Push("org/app", "1.0.0", "1.1.0")
	objects := filepath.Join(b.TempDir(), "objects.yaml")
	text := strings.NewReplacer("REG", registry.Addr, "REPO", "https://git.example.test/fleet", "BRANCH", "main").Replace(fleetObjects)
	if err := os.WriteFile(objects, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, files := range []int{1_000, 10_000, 100_000} {
		for _, percent := range []int{1, 10} {
			s := newShelf(b, files, percent, registry.Image("org/app"), "1.1.0")
			for _, row := range []struct{ name, tag string }{{"nothing", "1.1.0"}, {"all", "1.0.0"}} {
				b.Run(fmt.Sprintf("files=%d/marked=%d%%/change=%s", files, percent, row.name), func(b *testing.B) {
					t := tally{logs: []*parts.Log{registry.Log}}
					for b.Loop() {
						s.mark(b, row.tag)
						t.run(func() cost { return measure(b, program, "set", "--state", "none", "--dir", s.dir, "-f", objects) },
							func() cost { return measure(b, "grep", "-rlF", "$imagepolicy", s.dir) })
					}
					t.report(b, "x-grep")
				})
			}
		}
	}
}
