package parts

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// kubernetesWithin bounds the start of the API, which took 6 s on an idle machine.
const kubernetesWithin = 4 * time.Minute

// Kubernetes is the API of a cluster with etcd and the controllers of Jobs,
// CronJobs and Deployments (https://github.com/kubernetes/kubernetes). There are
// no machines: kwok (https://kwok.sigs.k8s.io) says of each pod of a node that it
// runs. There is no scheduler: Bind a pod to a node, and End it.
type Kubernetes struct {
	t          T
	kubectl    string
	kubeconfig string
}

// KubernetesNode is the only node.
const KubernetesNode = "node-0"

// kubernetesExit is the annotation with the exit status of a pod, see stages.
const kubernetesExit = "parts.test/exit"

// stages are the lives of a node's pods, as kwok reads them: running as soon as it
// is bound, over when it has an exit status, gone when it is deleted. Without a stage
// of nodes kwok manages no node, and so no pod.
const stages = `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: node-is-ready}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      conditions:
      - {type: Ready, status: "True", reason: KubeletReady, message: as if, lastHeartbeatTime: {{ $now | Quote }}, lastTransitionTime: {{ $now | Quote }}}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-runs}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Pending]}
  next:
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      startTime: {{ $now | Quote }}
      conditions:
      - {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
      - {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
      containerStatuses:
      {{ range .spec.containers }}
      - {name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: true, restartCount: 0, state: {running: {startedAt: {{ $now | Quote }}}}}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-ends}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: .status.phase, operator: In, values: [Running]}
    - {key: '.metadata.annotations["parts.test/exit"]', operator: Exists}
  next:
    statusTemplate: |
      {{ $now := Now }}
      {{ $code := index .metadata.annotations "parts.test/exit" }}
      phase: {{ if eq $code "0" }}Succeeded{{ else }}Failed{{ end }}
      containerStatuses:
      {{ range .spec.containers }}
      - {name: {{ .name | Quote }}, image: {{ .image | Quote }}, ready: false, restartCount: 0, state: {terminated: {exitCode: {{ $code }}, reason: Ended, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}}
      {{ end }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-goes}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: Exists}
  next: {delete: true}
`

// NewKubernetes starts a cluster that ends with t. It skips the test if a program
// is missing.
func NewKubernetes(t T) *Kubernetes {
	t.Helper()
	programs := map[string]string{}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kwok", "kubectl"} {
		programs[name] = Need(t, name)
	}
	dir, stored, addr := Dir(t), "http://"+freeAddress(t), freeAddress(t)
	peers := "http://" + freeAddress(t)
	_, port, _ := strings.Cut(addr, ":")
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("write the key of service accounts: %v", err)
	}
	pair := NewCA(t).Server()
	accounts := put(t, dir, "accounts.key", encode("PRIVATE KEY", der))
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatalf("write the key of service accounts: %v", err)
	}
	k := &Kubernetes{t: t, kubectl: programs["kubectl"], kubeconfig: put(t, dir, "kubeconfig", fmt.Appendf(nil, `apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: admin}}]
clusters: [{name: test, cluster: {server: "https://%s", insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: admins-token}}]
`, addr))}
	store := start(t, nil, programs["etcd"], "--data-dir", filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level", "error",
		"--listen-client-urls", stored, "--advertise-client-urls", stored,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers)
	k.await(store, func(ctx context.Context) error { return healthy(ctx, stored+"/health") })
	api := start(t, nil, programs["kube-apiserver"], "--etcd-servers", stored, "--bind-address", "127.0.0.1", "--secure-port", port,
		"--tls-cert-file", put(t, dir, "api.crt", pair.Cert), "--tls-private-key-file", put(t, dir, "api.key", pair.Key),
		"--token-auth-file", put(t, dir, "tokens", []byte("admins-token,admin,0,system:masters\n")),
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", put(t, dir, "accounts.pub", encode("PUBLIC KEY", public)), "--service-account-signing-key-file", accounts,
		"--service-cluster-ip-range", "10.0.0.0/24", "--endpoint-reconciler-type", "none", "--authorization-mode", "RBAC")
	k.await(api, func(context.Context) error {
		out, err := k.Kubectl("", "get", "--raw", "/readyz")
		return errors.Join(err, notOK(out))
	})
	start(t, nil, programs["kube-controller-manager"], "--kubeconfig", k.kubeconfig, "--leader-elect=false", "--secure-port", "0",
		"--service-account-private-key-file", accounts, "--controllers",
		"cronjob-controller,job-controller,deployment-controller,replicaset-controller,serviceaccount-controller,namespace-controller,garbage-collector-controller")
	k.Must("apiVersion: v1\nkind: Node\nmetadata: {name: "+KubernetesNode+"}\n", "create", "-f", "-")
	start(t, []string{"HOME=" + dir}, programs["kwok"], "--kubeconfig", k.kubeconfig, "--manage-all-nodes",
		"--config", put(t, dir, "stages.yaml", []byte(stages)))
	return k
}

// await fails the test if a process doesn't get ready.
func (k *Kubernetes) await(p *process, ready func(context.Context) error) {
	k.t.Helper()
	if err := p.awaitFor(kubernetesWithin, ready); err != nil {
		k.t.Fatalf("start %s: %v", filepath.Base(p.command.Path), err)
	}
}

func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

func notOK(out string) error {
	if out != "ok" {
		return fmt.Errorf("it says %.200q", out)
	}
	return nil
}

// Kubectl runs kubectl as the cluster's administrator, with input as standard
// input, and returns what it printed: after an error, to standard error.
func (k *Kubernetes) Kubectl(input string, args ...string) (string, error) {
	cmd := exec.Command(k.kubectl, append([]string{"--kubeconfig", k.kubeconfig, "--cache-dir", filepath.Join(filepath.Dir(k.kubeconfig), "cache")}, args...)...)
	cmd.Env = []string{"HOME=" + filepath.Dir(k.kubeconfig)}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	if err := cmd.Run(); err != nil {
		return errs.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// Must is Kubectl, and fails the test if that fails.
func (k *Kubernetes) Must(input string, args ...string) string {
	k.t.Helper()
	out, err := k.Kubectl(input, args...)
	if err != nil {
		k.t.Fatalf("%v", err)
	}
	return out
}

// Bind does a scheduler's work: a pod is the node's from now on, and runs.
func (k *Kubernetes) Bind(namespace, pod string) {
	k.t.Helper()
	k.Must(`{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "`+pod+`"}, "target": {"apiVersion": "v1", "kind": "Node", "name": "`+KubernetesNode+`"}}`,
		"create", "--raw", "/api/v1/namespaces/"+namespace+"/pods/"+pod+"/binding", "-f", "-")
}

// End ends a pod whose container exited with status. It is safe for concurrent use.
func (k *Kubernetes) End(namespace, pod string, status int) error {
	_, err := k.Kubectl("", "annotate", "--namespace", namespace, "pod", pod, fmt.Sprintf("%s=%d", kubernetesExit, status))
	return err
}
