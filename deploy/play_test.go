package deploy_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// machine stands in for a node. It lays out files as a kubelet does, and runs a
// container's command line with them. The program gets each absolute path of
// the container below root.
type machine struct {
	t       *testing.T
	root    string
	secrets map[string]map[string]string // by name: key and value
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	return &machine{t: t, root: t.TempDir(), secrets: map[string]map[string]string{}}
}

// absolute is a path as it stands in an argument or a variable; the address
// behind a scheme isn't one.
var absolute = regexp.MustCompile(`(^|[=:"> ])(/[a-z])`)

// inside puts the absolute paths of a word below root.
func (m *machine) inside(word string) string {
	return absolute.ReplaceAllString(word, "${1}"+m.root+"${2}")
}

// environ is the image's environment: cmd/release has it. Nothing of this
// process's is in it.
func (m *machine) environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + m.inside("/var/lib/pinsetter"), "PINSETTER_STATE=none"}
}

// mount lays out a volume at each place where the container has it.
func (m *machine) mount(objects *manifests, pod corev1.PodSpec) {
	m.t.Helper()
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, v := range pod.Volumes {
			if v.Name != mount.Name {
				continue
			}
			switch {
			case v.Secret != nil:
				m.project(mount.MountPath, m.secret(v.Secret.SecretName))
			case v.ConfigMap != nil:
				m.project(mount.MountPath, m.configMap(objects, v.ConfigMap.Name))
			default:
				if err := os.MkdirAll(m.inside(mount.MountPath), 0o700); err != nil {
					m.t.Fatal(err)
				}
			}
		}
	}
}

func (m *machine) secret(name string) map[string]string {
	m.t.Helper()
	data, ok := m.secrets[name]
	if !ok {
		m.t.Fatalf("there is no Secret %s", name)
	}
	return data
}

func (m *machine) configMap(objects *manifests, name string) map[string]string {
	m.t.Helper()
	for _, c := range objects.configMaps {
		if c.Name == name {
			return c.Data
		}
	}
	m.t.Fatalf("there is no ConfigMap %s", name)
	return nil
}

// project writes keys as a kubelet does: behind two symbolic links, which it
// exchanges when they change.
func (m *machine) project(at string, data map[string]string) {
	m.t.Helper()
	dir := m.inside(at)
	for key, value := range data {
		write(m.t, filepath.Join(dir, "..2026_11_30", key), value)
		_ = os.Symlink(filepath.Join("..data", key), filepath.Join(dir, key)) // it may be there already
	}
	_ = os.Symlink("..2026_11_30", filepath.Join(dir, "..data"))
}

// container prepares what the kubelet would start, as pod number index.
func (m *machine) container(ctx context.Context, objects *manifests, index int) *exec.Cmd {
	m.t.Helper()
	w := objects.workload(m.t)
	pod := corev1.Pod{ObjectMeta: w.template.ObjectMeta, Spec: *w.template.Spec.DeepCopy()}
	if w.indexes > 0 { // as the controller of Jobs does
		c := &pod.Spec.Containers[0]
		c.Env = append(c.Env, corev1.EnvVar{Name: "JOB_COMPLETION_INDEX", Value: strconv.Itoa(index)})
	}
	return m.start(ctx, objects, &pod)
}

// start prepares what the kubelet would start of a pod.
func (m *machine) start(ctx context.Context, objects *manifests, pod *corev1.Pod) *exec.Cmd {
	m.t.Helper()
	m.mount(objects, pod.Spec)
	c := pod.Spec.Containers[0]
	var args []string
	for _, arg := range c.Args {
		args = append(args, m.inside(arg))
	}
	cmd := exec.CommandContext(ctx, program(m.t), args...)
	cmd.Dir, cmd.Env = m.root, m.environ()
	for _, from := range c.EnvFrom {
		for key, value := range m.configMap(objects, from.ConfigMapRef.Name) {
			cmd.Env = append(cmd.Env, key+"="+m.inside(value))
		}
	}
	for _, v := range c.Env {
		if value, set := m.variable(pod, v); set {
			cmd.Env = append(cmd.Env, v.Name+"="+value)
		}
	}
	return cmd
}

// ownField is a label or an annotation of the pod itself.
var ownField = regexp.MustCompile(`^metadata\.(labels|annotations)\['(.+)'\]$`)

// variable returns the value of a variable of the environment, and whether there is one.
func (m *machine) variable(pod *corev1.Pod, v corev1.EnvVar) (string, bool) {
	m.t.Helper()
	switch from := v.ValueFrom; {
	case from == nil:
		return m.inside(v.Value), true
	case from.FieldRef != nil:
		field := ownField.FindStringSubmatch(from.FieldRef.FieldPath)
		if field == nil {
			m.t.Fatalf("%s is %s", v.Name, from.FieldRef.FieldPath)
		}
		value, found := map[string]map[string]string{"labels": pod.Labels, "annotations": pod.Annotations}[field[1]][field[2]]
		return value, found
	default:
		value, found := m.secret(from.SecretKeyRef.Name)[from.SecretKeyRef.Key]
		if optional := from.SecretKeyRef.Optional; !found && (optional == nil || !*optional) {
			m.t.Fatalf("Secret %s has no key %s", from.SecretKeyRef.Name, from.SecretKeyRef.Key)
		}
		return value, found
	}
}

// job runs every pod of a workload to its end, and returns what they said.
func (m *machine) job(objects *manifests) string {
	m.t.Helper()
	var said bytes.Buffer
	for index := range max(1, objects.workload(m.t).indexes) {
		cmd := m.container(m.t.Context(), objects, index)
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Run(); err != nil {
			m.t.Fatalf("pod %d: %q: %v\n%s", index, cmd.Args, err, said.String())
		}
	}
	return said.String()
}

// variables fails where a container sets a variable of ours that the command it
// runs doesn't know: as a flag, or as docs/commands.md lists them.
func variables(t *testing.T, objects *manifests) {
	t.Helper()
	c := objects.workload(t).container()
	help, err := exec.CommandContext(t.Context(), program(t), c.Args[0], "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, documented, _ := strings.Cut(read(t, "../docs/commands.md"), "\n## Environment\n")
	var names []string
	for _, v := range c.Env {
		names = append(names, v.Name)
	}
	for _, m := range objects.configMaps {
		for name := range m.Data {
			names = append(names, name)
		}
	}
	for _, name := range names {
		flag, ours := strings.CutPrefix(name, "PINSETTER_")
		flag = "--" + strings.ReplaceAll(strings.ToLower(flag), "_", "-") + " "
		if ours && !bytes.Contains(help, []byte(flag)) && !strings.Contains(documented, "`"+name+"`") {
			t.Errorf("%s is neither a flag of %s nor documented", name, c.Args[0])
		}
	}
}
