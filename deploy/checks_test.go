package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// check applies the rules for everything that is installed in a cluster.
func check(t *testing.T, m *manifests, namespace string) {
	t.Helper()
	for _, meta := range m.metas {
		if meta.Namespace != namespace {
			t.Errorf("%s is in namespace %q, want %q", meta.Name, meta.Namespace, namespace)
		}
	}
	w := m.workload(t)
	checkSecurity(t, w.template)
	checkContainer(t, w.container())
	m.checkReferences(t, w.template.Spec)
	m.checkSelectors(t, w.template)
	for _, c := range m.cronJobs {
		checkCronJob(t, c, w)
	}
}

var imageUser = regexp.MustCompile(`(?m)^\tuser += (\d+)$`)

// checkSecurity asks the library of Kubernetes' own admission for its verdict
// at the newest version of the standards, and checks a little more.
func checkSecurity(t *testing.T, template corev1.PodTemplateSpec) {
	t.Helper()
	judge, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
	verdict := policy.AggregateCheckResults(judge.EvaluatePod(level, &template.ObjectMeta, &template.Spec))
	if !verdict.Allowed {
		t.Errorf("Pod Security restricted: %s: %s", verdict.ForbiddenReason(), verdict.ForbiddenDetail())
	}
	pod := template.Spec
	found := imageUser.FindStringSubmatch(read(t, "../cmd/release/layout.go"))
	if found == nil {
		t.Fatal("cmd/release/layout.go doesn't say which user the image has")
	}
	user := pod.SecurityContext.RunAsUser
	if user == nil || found[1] != itoa(*user) || pod.SecurityContext.FSGroup == nil || *pod.SecurityContext.FSGroup != *user {
		t.Errorf("the pod's user is %v, the image's %s", user, found[1])
	}
	if on := pod.Containers[0].SecurityContext.ReadOnlyRootFilesystem; on == nil || !*on {
		t.Error("the root file system can be written")
	}
	for what, on := range map[string]*bool{"automountServiceAccountToken": pod.AutomountServiceAccountToken, "enableServiceLinks": pod.EnableServiceLinks} {
		if on == nil || *on {
			t.Errorf("%s is not false", what)
		}
	}
}

// checkContainer checks that the container has requests and limits, runs the
// image's program, and can write temporary files.
func checkContainer(t *testing.T, c corev1.Container) {
	t.Helper()
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("requests of CPU and memory and a limit of memory, got %v", c.Resources)
	}
	if len(c.Command) > 0 {
		t.Errorf("command %q stands in place of the image's", c.Command)
	}
	if !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/tmp" }) {
		t.Error("nothing is mounted at /tmp")
	}
}

// checkReferences checks that all objects that a pod names exist, except
// Secrets, and that each volume is mounted once.
func (m *manifests) checkReferences(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	has := func(kind, name string, there bool) {
		t.Helper()
		if !there {
			t.Errorf("the pod names %s %s, which isn't there", kind, name)
		}
	}
	has("ServiceAccount", pod.ServiceAccountName, len(m.accounts) == 1 && m.accounts[0].Name == pod.ServiceAccountName &&
		!*m.accounts[0].AutomountServiceAccountToken)
	var mounted, volumes []string
	for _, mount := range pod.Containers[0].VolumeMounts {
		mounted = append(mounted, mount.Name)
	}
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
		if v.Secret != nil && (v.Secret.DefaultMode == nil || *v.Secret.DefaultMode != 0o440) {
			t.Errorf("Secret %s is mounted with another mode than 0440", v.Secret.SecretName)
		}
		if claim := v.PersistentVolumeClaim; claim != nil {
			has("PersistentVolumeClaim", claim.ClaimName, len(m.claims) == 1 && m.claims[0].Name == claim.ClaimName)
		}
	}
	if slices.Sort(mounted); !slices.Equal(mounted, slices.Sorted(slices.Values(volumes))) {
		t.Errorf("volumes %q, mounted %q", volumes, mounted)
	}
	for _, from := range pod.Containers[0].EnvFrom {
		has("ConfigMap", from.ConfigMapRef.Name, slices.ContainsFunc(m.configMaps, func(c *corev1.ConfigMap) bool { return c.Name == from.ConfigMapRef.Name }))
	}
	if len(m.claims) > 0 && !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil }) {
		t.Errorf("nobody uses PersistentVolumeClaim %s", m.claims[0].Name)
	}
}

// checkSelectors checks that each selector matches its objects.
func (m *manifests) checkSelectors(t *testing.T, template corev1.PodTemplateSpec) {
	t.Helper()
	selects := func(what string, selector *metav1.LabelSelector, of map[string]string) {
		t.Helper()
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(labels.Set(of)) {
			t.Errorf("%s: %v doesn't select %v (%v)", what, selector, of, err)
		}
	}
	for _, d := range m.deploys {
		selects("Deployment", d.Spec.Selector, template.Labels)
	}
	for _, s := range m.services {
		selects("Service", &metav1.LabelSelector{MatchLabels: s.Spec.Selector}, template.Labels)
		for _, monitor := range m.monitors {
			selects("ServiceMonitor", &monitor.Spec.Selector, s.Labels)
		}
		for _, port := range s.Spec.Ports {
			if !slices.ContainsFunc(template.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }) {
				t.Errorf("Service: no port of the container is called %s", port.TargetPort.StrVal)
			}
		}
	}
	for _, p := range m.policies {
		if p.Name != "pinsetter-serve" || len(m.deploys) > 0 {
			selects("NetworkPolicy "+p.Name, &p.Spec.PodSelector, template.Labels)
		}
	}
	if len(m.monitors) > 0 && len(m.services) != 1 {
		t.Error("a ServiceMonitor without a Service")
	}
}

// checkCronJob checks that runs don't overlap, and that completions and --shard
// name the same number of shards.
func checkCronJob(t *testing.T, c *batchv1.CronJob, w workload) {
	t.Helper()
	if c.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent {
		t.Errorf("concurrencyPolicy is %q", c.Spec.ConcurrencyPolicy)
	}
	shard := ""
	for _, arg := range w.container().Args {
		if value, ok := strings.CutPrefix(arg, "--shard="); ok {
			shard = value
		}
	}
	for _, v := range w.container().Env {
		if v.Name == "PINSETTER_SHARD" {
			shard = v.Value
		}
	}
	if want := map[bool]string{true: "/" + itoa(int64(w.indexes))}[w.indexes > 0]; shard != want {
		t.Errorf("%d completions, and the shard is %q", w.indexes, shard)
	}
}

// TestTheProgramHasNoneOfTheseLibraries checks that the libraries that judge
// manifests are not shipped.
func TestTheProgramHasNoneOfTheseLibraries(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/pinsetter")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?m)^k8s\.io/(api|pod-security-admission|component-base)(/.*)?$`).Find(out); found != nil {
		t.Errorf("the program has %s", found)
	}
}

// folders returns the names of the folders in dir.
func folders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%s: %d entries, %v", dir, len(entries), err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
