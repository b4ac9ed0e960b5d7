//go:build e2emore

package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/pinsetter/pinsetter/parts"
)

// cluster is a Kubernetes API with its controllers. Its pods are run here, each on
// a machine of its own, with the same Secrets on all.
type cluster struct {
	*parts.Kubernetes
	t       *testing.T
	secrets map[string]map[string]string
}

// restricted is the namespace that everything is installed in; the API refuses pods
// that aren't restricted, and warns of what would make them. The two kinds are the
// Prometheus operator's.
const restricted = `apiVersion: v1
kind: Namespace
metadata:
  name: flux-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: ServiceMonitor, plural: servicemonitors}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: prometheusrules.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  names: {kind: PrometheusRule, plural: prometheusrules}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// TestInACluster installs everything in a real API.
func TestInACluster(t *testing.T) {
	c := &cluster{Kubernetes: parts.NewKubernetes(t), t: t, secrets: map[string]map[string]string{}}
	c.Must(restricted, "create", "-f", "-")
	c.Must("", "wait", "--for=condition=Established", "--timeout=2m", "crd", "--all")
	t.Run("refuses what isn't restricted", c.refuses)
	t.Run("takes everything", c.takes)
	t.Run("the CronJob", c.cronJob)
	t.Run("shards", c.shards)
	t.Run("a shard that fails", c.failingShard)
	t.Run("serve", c.serve)
}

// apply is what kubectl apply does, and fails where the API warns.
func (c *cluster) apply(manifests string, args ...string) error {
	_, err := c.Kubectl(manifests, append([]string{"apply", "--server-side", "--validate=strict", "--warnings-as-errors", "-f", "-"}, args...)...)
	return err
}

// refuses checks that this API would see a pod that isn't restricted, and a field that
// it doesn't know.
func (c *cluster) refuses(t *testing.T) {
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: root, namespace: flux-system}\nspec: {containers: [{name: a, image: a}]}\n"
	if err := c.apply(pod); err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
		t.Errorf("a pod with all rights: %v", err)
	}
	text := kustomized(t, "resources: [../kustomize/cronjob]")
	if err := c.apply(strings.Replace(text, "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", 1), "--dry-run=server"); err == nil || !strings.Contains(err.Error(), "readOnlyRootFileSystem") {
		t.Errorf("a misspelt field: %v", err)
	}
	if err := c.apply(strings.Replace(text, "runAsNonRoot: true", "runAsNonRoot: false", 1), "--dry-run=server"); err == nil || !strings.Contains(err.Error(), "runAsNonRoot") {
		t.Errorf("a CronJob of root's: %v", err)
	}
}

// takes has the API validate every overlay and all that the chart renders.
func (c *cluster) takes(t *testing.T) {
	texts := map[string]string{}
	for name, text := range everyOverlay(t) {
		texts[name] = kustomized(t, text)
	}
	for _, name := range folders(t, "testdata/chart") {
		texts["chart "+name] = rendered(t, "chart", "testdata/chart/"+name+"/values.yaml")
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := c.apply(texts[name], "--dry-run=server"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// install creates the Secrets and applies manifests, which it returns as the API has
// them.
func (c *cluster) install(t *testing.T, text string) {
	t.Helper()
	for name, data := range c.secrets {
		args := []string{"create", "secret", "generic", name, "--namespace", "flux-system", "--dry-run=client", "--output=yaml"}
		for key, value := range data {
			args = append(args, "--from-literal="+key+"="+value)
		}
		c.Must(c.Must("", args...), "apply", "--server-side", "--force-conflicts", "-f", "-")
	}
	if err := c.apply(text); err != nil {
		t.Fatal(err)
	}
}

// get reads objects of the namespace.
func (c *cluster) get(into any, args ...string) {
	c.t.Helper()
	out := c.Must("", append([]string{"get", "--namespace", "flux-system", "--output=json"}, args...)...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		c.t.Fatal(err)
	}
}

// soon waits up to five minutes: a CronJob starts with the next minute, and 64 pods
// take a while on a busy machine.
func soon(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// ran is what became of a Job.
type ran struct {
	job  batchv1.Job
	said map[string]string // by completion index, "" without one: what its last pod said
}

// drive runs each pod of a Job that the API makes, until the Job is over. The machines
// are those of the pods; broken indexes exit with 1 at once.
func (c *cluster) drive(t *testing.T, name string, on func(*corev1.Pod) *machine, broken ...string) ran {
	t.Helper()
	var maps corev1.ConfigMapList
	c.get(&maps, "configmaps")
	objects := &manifests{}
	for i := range maps.Items {
		objects.configMaps = append(objects.configMaps, &maps.Items[i])
	}
	r := ran{said: map[string]string{}}
	var mu sync.Mutex
	var running sync.WaitGroup
	defer running.Wait()
	slots, begun := make(chan struct{}, 8), map[string]bool{}
	soon(t, "Job "+name, func() bool {
		c.get(&r.job, "job", name)
		for _, condition := range r.job.Status.Conditions {
			if (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) && condition.Status == corev1.ConditionTrue {
				return true
			}
		}
		var pods corev1.PodList
		c.get(&pods, "pods", "--selector=batch.kubernetes.io/job-name="+name)
		for _, pod := range pods.Items {
			if pod.Spec.NodeName == "" {
				c.Bind("flux-system", pod.Name)
			}
			if pod.Status.Phase != corev1.PodRunning || begun[pod.Name] {
				continue
			}
			begun[pod.Name] = true
			index := pod.Annotations["batch.kubernetes.io/job-completion-index"]
			if slices.Contains(broken, index) {
				if err := c.End("flux-system", pod.Name, 1); err != nil {
					t.Error(err)
				}
				continue
			}
			cmd := on(&pod).start(t.Context(), objects, &pod)
			slots <- struct{}{}
			running.Go(func() {
				defer func() { <-slots }()
				out, err := cmd.CombinedOutput()
				status := 0
				if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
					status = exit.ExitCode()
				} else if err != nil {
					t.Error(err)
				}
				mu.Lock()
				r.said[index] = string(out)
				mu.Unlock()
				if err := c.End("flux-system", pod.Name, status); err != nil {
					t.Error(err)
				}
			})
		}
		return false
	})
	return r
}

// complete fails unless a Job is Complete.
func (r ran) complete(t *testing.T) {
	t.Helper()
	for _, condition := range r.job.Status.Conditions {
		if condition.Type == batchv1.JobComplete && condition.Status == corev1.ConditionTrue {
			return
		}
	}
	t.Fatalf("the Job is %+v, and its pods said %q", r.job.Status, r.said)
}

// machines gives each pod a machine of its own.
func (c *cluster) machines(t *testing.T) func(*corev1.Pod) *machine {
	return func(*corev1.Pod) *machine {
		m := newMachine(t)
		m.secrets = c.secrets
		return m
	}
}

// cronJob lets the schedule start a run, and somebody another by hand, as
// docs/kubernetes.md shows it. Both have the volume of the state.
func (c *cluster) cronJob(t *testing.T) {
	f := newFleet(t, 3)
	c.secrets["flux-system"] = login
	c.install(t, kustomized(t, "resources: [../kustomize/cronjob]\npatches: [{target: {kind: CronJob}, patch: '- {op: replace, path: /spec/schedule, value: \"* * * * *\"}'}]"+f.settings()))
	var jobs batchv1.JobList
	soon(t, "the schedule", func() bool { c.get(&jobs, "jobs"); return len(jobs.Items) > 0 })
	c.Must("", "patch", "--namespace", "flux-system", "cronjob", "pinsetter", "--patch", `{"spec": {"suspend": true}}`)
	m := c.machines(t)(nil)
	on := func(*corev1.Pod) *machine { return m }
	c.drive(t, jobs.Items[0].Name, on).complete(t)
	f.pushed(1)
	f.release()
	c.Must("", "create", "job", "--namespace", "flux-system", "--from=cronjob/pinsetter", "pinsetter-now")
	c.drive(t, "pinsetter-now", on).complete(t)
	f.pushed(2)
	c.Must("", "delete", "--namespace", "flux-system", "cronjob,job", "--all")
}

var pushedTo = regexp.MustCompile(`flux-system/(app-\d+) pushed `)

// shards runs an Indexed Job with several numbers of shards: each repository is
// pushed to once, and by the same shard as before, or by a new one.
func (c *cluster) shards(t *testing.T) {
	f := newFleet(t, 40)
	c.secrets["pinsetter-state"] = map[string]string{"dsn": parts.NewPostgres(t).URL("postgres") + "?sslmode=disable"}
	before, last := map[string]string{}, 0
	for runs, count := range []int{1, 2, 8, 9, 64} {
		if runs > 0 {
			f.release()
		}
		c.install(t, kustomized(t, inShards(count)+"- target: {kind: CronJob}\n  patch: '- {op: add, path: /spec/suspend, value: true}'\n"+f.settings()))
		name := fmt.Sprintf("pinsetter-%d", count)
		c.Must("", "create", "job", "--namespace", "flux-system", "--from=cronjob/pinsetter", name)
		r := c.drive(t, name, c.machines(t))
		r.complete(t)
		if int(r.job.Status.Succeeded) != count {
			t.Errorf("of %d shards these are complete: %s", count, r.job.Status.CompletedIndexes)
		}
		f.pushed(runs + 1)
		now := map[string]string{}
		for index, said := range r.said {
			for _, found := range pushedTo.FindAllStringSubmatch(said, -1) {
				now[found[1]] = index
			}
		}
		if len(now) != len(f.apps) {
			t.Errorf("%d shards say of %d repositories that they were pushed to", count, len(now))
		}
		moved := 0
		for app, index := range now {
			if before[app] == "" || before[app] == index {
				continue
			}
			if moved++; number(t, index) < last {
				t.Errorf("%s was in shard %s of %d, and is in %s of %d, which isn't new", app, before[app], last, index, count)
			}
		}
		// Of one more in nine, four or five of 40 move; with luck against us, twice that.
		if count == last+1 && last > 1 && (moved == 0 || moved > 10) {
			t.Errorf("%d of %d repositories move from %d shards to %d", moved, len(now), last, count)
		}
		before, last = now, count
	}
}

// failingShard has one shard fail: the others run, the Job names it, and it isn't tried
// again, as the overlay asks for.
func (c *cluster) failingShard(t *testing.T) {
	f := newFleet(t, 12)
	c.install(t, kustomized(t, inShards(4)+"- target: {kind: CronJob}\n  patch: '- {op: add, path: /spec/suspend, value: true}'\n"+f.settings()))
	c.Must("", "create", "job", "--namespace", "flux-system", "--from=cronjob/pinsetter", "pinsetter-fails")
	r := c.drive(t, "pinsetter-fails", c.machines(t), "2")
	if failed := r.job.Status.FailedIndexes; failed == nil || *failed != "2" || r.job.Status.Succeeded != 3 || r.job.Status.Failed != 1 {
		t.Errorf("the Job is %+v", r.job.Status)
	}
	pushes := 0
	for _, app := range f.apps {
		pushes += len(app.Pushes())
	}
	if pushes == 0 || pushes == len(f.apps) {
		t.Errorf("three of four shards pushed to %d of %d repositories", pushes, len(f.apps))
	}
}

// serve brings the Deployment up.
func (c *cluster) serve(t *testing.T) {
	c.install(t, kustomized(t, "resources: [../kustomize/serve]\ncomponents: [../kustomize/components/prometheus, ../kustomize/components/network-policy, ../kustomize/components/postgres]\nreplicas: [{name: pinsetter, count: 2}]"))
	soon(t, "the Deployment", func() bool {
		var pods corev1.PodList
		c.get(&pods, "pods", "--selector=app.kubernetes.io/component=serve")
		for _, pod := range pods.Items {
			if pod.Spec.NodeName == "" {
				c.Bind("flux-system", pod.Name)
			}
		}
		return strings.TrimSpace(c.Must("", "get", "--namespace", "flux-system", "deployment", "pinsetter", "--output=jsonpath={.status.availableReplicas}")) == "2"
	})
}

func number(t *testing.T, index string) int {
	t.Helper()
	n := 0
	if _, err := fmt.Sscan(index, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
