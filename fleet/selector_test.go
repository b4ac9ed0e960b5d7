package fleet_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/spec"
)

// TestSelectorIsKubernetes compares selectors with Kubernetes' own: what they
// match, and what is said of those that a cluster refuses.
func TestSelectorIsKubernetes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	long := strings.Repeat("x", 64)
	key := func() string {
		return pick("app", "tier", "app", "tier", "example.com/app", "a/b/c", "", "/x", "-x", "Exa/app", long, strings.Repeat("a", 254)+"/x", "x y")
	}
	value := func() string { return pick("a", "b", "", "a", "b", long, "-", "ä", "a b", "<b>") }
	refused, matched := 0, 0
	for range 20_000 {
		var ours spec.LabelSelector
		var theirs metav1.LabelSelector
		if random.IntN(3) == 0 {
			k, v := key(), value()
			ours.MatchLabels, theirs.MatchLabels = map[string]string{k: v}, map[string]string{k: v}
		}
		for range random.IntN(3) {
			r := spec.LabelSelectorRequirement{Key: key(), Operator: spec.LabelSelectorOperator(pick("In", "NotIn", "Exists", "DoesNotExist", "In", "is"))}
			for range random.IntN(3) {
				r.Values = append(r.Values, value())
			}
			ours.MatchExpressions = append(ours.MatchExpressions, r)
			theirs.MatchExpressions = append(theirs.MatchExpressions, metav1.LabelSelectorRequirement{Key: r.Key, Operator: metav1.LabelSelectorOperator(r.Operator), Values: r.Values})
		}
		got, err := fleet.NewSelector(&ours)
		want, wantErr := metav1.LabelSelectorAsSelector(&theirs)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%+v:\n%v, want\n%v", ours, err, wantErr)
		}
		if err != nil {
			refused++
			continue
		}
		for range 5 {
			given := map[string]string{}
			for range random.IntN(3) {
				given[pick("app", "tier", "example.com/app")] = pick("a", "b", "")
			}
			if got.Matches(given) != want.Matches(labels.Set(given)) {
				t.Fatalf("%+v and %v: %v", ours, given, got.Matches(given))
			}
			if got.Matches(given) {
				matched++
			}
		}
	}
	if refused < 1000 || matched < 1000 {
		t.Errorf("%d refused and %d matched: the test says little", refused, matched)
	}
}
