package folder_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
)

// writeTree writes a tree of YAML files as a fleet's repository has them: about
// 1.3 KB and two documents a file, twenty files a directory, five levels. Of a
// hundred files, percent have markers.
func writeTree(tb testing.TB, dir string, files, percent int) {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range files {
		folder := filepath.Join(dir, fmt.Sprintf("cluster-%02d", i/20/25/8%12), fmt.Sprintf("team-%02d", i/20/25%8), "apps", fmt.Sprintf("app-%05d", i/20))
		if i%20 == 0 {
			if err := os.MkdirAll(folder, 0o755); err != nil {
				tb.Fatal(err)
			}
		}
		marker := ""
		if i%100 < percent {
			marker = fmt.Sprintf(` # {"$imagepolicy": "flux-system:app-%d"}`, i%50)
		}
		data := manifest(i, random.IntN(8), marker)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%02d.yaml", i%20)), data, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// manifest returns a Service and a Deployment with some environment variables.
func manifest(i, variables int, marker string) []byte {
	s := fmt.Sprintf(`---
apiVersion: v1
kind: Service
metadata:
  name: app-%[1]d
  namespace: team-%[2]d
  labels:
    app.kubernetes.io/name: app-%[1]d
    app.kubernetes.io/part-of: platform
spec:
  type: ClusterIP
  selector:
    app.kubernetes.io/name: app-%[1]d
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-%[1]d
  namespace: team-%[2]d
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: app-%[1]d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app-%[1]d
    spec:
      containers:
        - name: app
          image: registry.example.com/team/app-%[3]d:1.%[2]d.3%[4]s
          imagePullPolicy: IfNotPresent
          ports:
            - name: http
              containerPort: 8080
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
          env:
`, i, i%40, i%50, marker)
	for v := range variables + 1 {
		s += fmt.Sprintf("            - name: VARIABLE_%d\n              value: \"value of %d\"\n", v, i*v)
	}
	return []byte(s)
}

// benchTree writes the tree into memory where the system has a place for it.
func benchTree(b *testing.B, files, percent int) string {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pinsetter")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	writeTree(b, dir, files, percent)
	return dir
}

// BenchmarkFind walks, screens and finds over 100,000 files where nothing is to
// change, beside grep, which only screens. Both run as processes of their own.
func BenchmarkFind(b *testing.B) {
	for _, percent := range []int{1, 10} {
		b.Run(fmt.Sprintf("marked=%d%%", percent), func(b *testing.B) {
			dir := benchTree(b, 100_000, percent)
			b.Run("grep", func(b *testing.B) {
				process(b, exec.Command("grep", "-rlF", "$imagepolicy", dir))
			})
			b.Run("pinsetter", func(b *testing.B) {
				child := exec.Command(os.Args[0], "-test.run=^TestFindChild$")
				child.Env = append(os.Environ(), "FIND_DIR="+dir, fmt.Sprintf("FIND_SITES=%d", percent*1000))
				process(b, child)
			})
		})
	}
}

// peak finds what TestFindChild prints.
var peak = regexp.MustCompile(`peak (\d+) kB`)

// process measures a command's time, and the peak memory that it prints.
func process(b *testing.B, command *exec.Cmd) {
	b.Helper()
	most := 0
	for b.Loop() {
		again := exec.Command(command.Path, command.Args[1:]...)
		again.Env = command.Env
		out, err := again.CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		if m := peak.FindSubmatch(out); m != nil {
			kilobytes, _ := strconv.Atoi(string(m[1])) // digits
			most = max(most, kilobytes)
		}
	}
	b.ReportMetric(float64(most)/1024, "peak-MB")
}

// TestFindChild is what BenchmarkFind runs in a process of its own; without its
// environment there is nothing to do. It prints its peak memory where the
// system tells: a parent sees its own in a child's resource usage.
func TestFindChild(t *testing.T) {
	dir := os.Getenv("FIND_DIR")
	if dir == "" {
		return
	}
	if got := fmt.Sprint(find(t, dir)); got != os.Getenv("FIND_SITES") {
		t.Fatalf("%s sites", got)
	}
	status, _ := os.ReadFile("/proc/self/status") // Linux has one
	if m := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status); m != nil {
		fmt.Printf("peak %s kB\n", m[1])
	}
}

// find returns how many sites stand below a directory.
func find(tb testing.TB, dir string) int {
	f, err := folder.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	sites, err := folder.Each(context.Background(), f, folder.Options{Want: setters.IsCandidate, Screen: setters.HasToken},
		func(path string, data []byte) (int, bool) {
			n := len(setters.Find(path, data).Sites)
			return n, n > 0
		})
	if err != nil {
		tb.Fatal(err)
	}
	total := 0
	for _, n := range sites {
		total += n
	}
	return total
}
