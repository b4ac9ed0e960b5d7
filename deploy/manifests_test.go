package deploy_test

import (
	"cmp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of a kustomization or of the chart.
type manifests struct {
	metas      []metav1.ObjectMeta
	configMaps []*corev1.ConfigMap
	accounts   []*corev1.ServiceAccount
	claims     []*corev1.PersistentVolumeClaim
	services   []*corev1.Service
	cronJobs   []*batchv1.CronJob
	deploys    []*appsv1.Deployment
	policies   []*networkingv1.NetworkPolicy
	ingresses  []*networkingv1.Ingress
	monitors   []*serviceMonitor
	rules      []*prometheusRule
}

// serviceMonitor and prometheusRule are the Prometheus operator's
// (monitoring.coreos.com/v1), as far as they are used here.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port, Path, Interval string
		} `json:"endpoints"`
	} `json:"spec"`
}

type prometheusRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		} `json:"groups"`
	} `json:"spec"`
}

// decode reads documents strictly, as the API server does where clients ask for
// it.
func decode(t *testing.T, text string) *manifests {
	t.Helper()
	m := &manifests{}
	for document := range strings.SplitSeq("\n"+text, "\n---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		name := kind.APIVersion + " " + kind.Kind
		switch name {
		case " ":
		case "v1 ConfigMap":
			m.configMaps = append(m.configMaps, decoded(t, m, document, &corev1.ConfigMap{}))
		case "v1 ServiceAccount":
			m.accounts = append(m.accounts, decoded(t, m, document, &corev1.ServiceAccount{}))
		case "v1 PersistentVolumeClaim":
			m.claims = append(m.claims, decoded(t, m, document, &corev1.PersistentVolumeClaim{}))
		case "v1 Service":
			m.services = append(m.services, decoded(t, m, document, &corev1.Service{}))
		case "batch/v1 CronJob":
			m.cronJobs = append(m.cronJobs, decoded(t, m, document, &batchv1.CronJob{}))
		case "apps/v1 Deployment":
			m.deploys = append(m.deploys, decoded(t, m, document, &appsv1.Deployment{}))
		case "networking.k8s.io/v1 NetworkPolicy":
			m.policies = append(m.policies, decoded(t, m, document, &networkingv1.NetworkPolicy{}))
		case "networking.k8s.io/v1 Ingress":
			m.ingresses = append(m.ingresses, decoded(t, m, document, &networkingv1.Ingress{}))
		case "monitoring.coreos.com/v1 ServiceMonitor":
			m.monitors = append(m.monitors, decoded(t, m, document, &serviceMonitor{}))
		case "monitoring.coreos.com/v1 PrometheusRule":
			m.rules = append(m.rules, decoded(t, m, document, &prometheusRule{}))
		default:
			t.Fatalf("nobody expects a %s", name)
		}
	}
	return m
}

func decoded[T metav1.Object](t *testing.T, m *manifests, document string, object T) T {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	m.metas = append(m.metas, metav1.ObjectMeta{Name: object.GetName(), Namespace: object.GetNamespace()})
	return object
}

// workload is the object that runs pods.
type workload struct {
	template corev1.PodTemplateSpec
	indexes  int // of an Indexed Job; 0: it is none
}

// workload returns the only one there is.
func (m *manifests) workload(t *testing.T) workload {
	t.Helper()
	var all []workload
	for _, c := range m.cronJobs {
		job := c.Spec.JobTemplate.Spec
		w := workload{template: job.Template}
		if *cmp.Or(job.CompletionMode, new(batchv1.NonIndexedCompletion)) == batchv1.IndexedCompletion {
			w.indexes = int(*job.Completions)
		}
		all = append(all, w)
	}
	for _, d := range m.deploys {
		all = append(all, workload{template: d.Spec.Template})
	}
	if len(all) != 1 || len(all[0].template.Spec.Containers) != 1 {
		t.Fatalf("%d workloads, want one with one container", len(all))
	}
	return all[0]
}

func (w workload) container() corev1.Container { return w.template.Spec.Containers[0] }
