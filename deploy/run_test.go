package deploy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/bcrypt"
	corev1 "k8s.io/api/core/v1"

	"github.com/pinsetter/pinsetter/parts"
)

// TestCronJobRuns plays two runs of the overlay cronjob.
func TestCronJobRuns(t *testing.T) {
	f := newFleet(t, 2)
	m := newMachine(t)
	m.secrets["flux-system"] = login
	objects := decode(t, kustomized(t, "resources: [../kustomize/cronjob]"+f.settings()))
	variables(t, objects)
	m.job(objects)
	f.pushed(1)
	f.release()
	if said := m.job(objects); strings.Contains(said, "warning") && !strings.Contains(said, "tmpfs") && !strings.Contains(said, "overlay") {
		t.Errorf("warnings:\n%s", said)
	}
	f.pushed(2)
}

// TestObjectsFromAConfigMap plays a run without a Git source.
func TestObjectsFromAConfigMap(t *testing.T) {
	f := newFleet(t, 1)
	m := newMachine(t)
	m.secrets["flux-system"] = map[string]string{"username": "git", "password": login["password"]}
	text := "resources: [../kustomize/cronjob]\ncomponents: [../kustomize/components/objects]\nconfigMapGenerator:\n- name: pinsetter-objects\n  namespace: flux-system\n  literals:\n  - |-\n    images.yaml="
	m.job(decode(t, kustomized(t, text+strings.ReplaceAll(f.objects(), "\n", "\n    "))))
	f.pushed(1)
}

// TestObjectsOverSSH plays runs of the overlay cronjob with the Secret that Flux's
// bootstrap makes with a key: it reads the objects, and pushes.
func TestObjectsOverSSH(t *testing.T) {
	f := newFleet(t, 0)
	server := parts.NewSSH(t, f.git, parts.SSHOptions{})
	app := f.git.NewRepository("app", parts.RepositoryOptions{
		Tree: parts.Tree{Files: map[string]string{"deploy/app.yaml": "image: " + f.registry.Image("org/app") + ":1.0.0" + marker + "\n"}},
	})
	over := *app
	over.URL = server.URL(app)
	f.apps = []*parts.Repository{&over}
	objects := f.git.NewRepository("objects", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"clusters/production/images.yaml": f.objects()}}})
	m := newMachine(t)
	m.secrets["flux-system"] = map[string]string{"identity": string(server.Identity), "identity.pub": "for people", "known_hosts": string(server.KnownHosts)}
	installed := decode(t, kustomized(t, "resources: [../kustomize/cronjob]\nconfigMapGenerator:\n- name: pinsetter\n  behavior: merge\n  literals:\n"+
		"  - PINSETTER_FILENAME=git+"+server.URL(objects)+"//clusters/production\n  - PINSETTER_GIT_HOST="+server.Addr+"\n  - PINSETTER_GIT_SSH=/secrets/flux-system/flux-system\n"))
	variables(t, installed)
	m.job(installed)
	if n := len(app.Pushes()); n != 1 || !strings.Contains(app.File("main", "deploy/app.yaml"), ":1.1.0 ") {
		t.Errorf("%d pushes: %s", n, app.File("main", "deploy/app.yaml"))
	}
}

// TestShardsRun plays two runs of the overlay shards: each repository is pushed
// to once a run, whichever pod has it.
func TestShardsRun(t *testing.T) {
	database := parts.NewPostgres(t)
	f := newFleet(t, 9)
	m := newMachine(t)
	m.secrets["flux-system"] = login
	m.secrets["pinsetter-state"] = map[string]string{"dsn": database.URL("postgres") + "?sslmode=disable"}
	objects := decode(t, kustomized(t, "resources: [../kustomize/shards]"+f.settings()))
	variables(t, objects)
	m.job(objects)
	f.pushed(1)
	m.job(objects)
	f.pushed(1)
	f.release()
	m.job(objects)
	f.pushed(2)
}

// TestServeRuns plays the overlay serve with its probes, its page and its end.
func TestServeRuns(t *testing.T) {
	f := newFleet(t, 2)
	m := newMachine(t)
	m.secrets["flux-system"] = login
	hash, err := bcrypt.GenerateFromPassword([]byte("lovelace"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	m.secrets["pinsetter-users"] = map[string]string{"htpasswd": "ada:" + string(hash) + "\n"}
	objects := decode(t, kustomized(t, "resources: [../kustomize/serve]\ncomponents: [../kustomize/components/prometheus]"+f.settings()))
	variables(t, objects)
	c := objects.workload(t).container()
	cmd, address := serve(t, m, objects)
	for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if probe.HTTPGet.Port.StrVal != "http" {
			t.Errorf("a probe asks port %s", probe.HTTPGet.Port.StrVal)
		}
		parts.Until(t, probe.HTTPGet.Path, func() bool { return get(t, address+probe.HTTPGet.Path) == http.StatusOK })
	}
	if status := get(t, address+objects.monitors[0].Spec.Endpoints[0].Path); status != http.StatusOK {
		t.Errorf("metrics: %d", status)
	}
	if status := get(t, address+"/"); status != http.StatusUnauthorized {
		t.Errorf("the status page without a password: %d", status)
	}
	parts.Until(t, "a push to each", func() bool { return len(f.apps[0].Pushes())+len(f.apps[1].Pushes()) == 2 })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("serve ended with %v", err)
	}
	f.pushed(1)
}

var serving = regexp.MustCompile(`(http://[^\s"]+) has the status page`)

// serve starts the container at free ports of loopback, and returns where its
// page is. It is killed at the end of the test, if it still runs then.
func serve(t *testing.T, m *machine, objects *manifests) (cmd *exec.Cmd, address string) {
	t.Helper()
	cmd = m.container(context.WithoutCancel(t.Context()), objects, 0)
	for i, arg := range cmd.Args {
		cmd.Args[i] = regexp.MustCompile(`^(--(?:hooks-)?listen)=:\d+$`).ReplaceAllString(arg, "$1=127.0.0.1:0")
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	var log bytes.Buffer
	for lines := bufio.NewScanner(said); lines.Scan(); {
		fmt.Fprintln(&log, lines.Text())
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return cmd, found[1]
		}
	}
	t.Fatalf("serve doesn't say where: %v\n%s", cmd.Wait(), log.String())
	return nil, ""
}

func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}
