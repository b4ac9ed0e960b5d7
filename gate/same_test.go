package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/spec"
)

// builds are images by platform: "linux/amd64", "a", "linux/arm64", "b".
func builds(words ...string) gate.Content {
	c := gate.Content{}
	for i := 0; i < len(words); i += 2 {
		c.Platforms = append(c.Platforms, words[i])
		c.Builds = append(c.Builds, pinsetter.Build{Platform: words[i], Digest: words[i+1]})
	}
	return c
}

// TestSame: a digest is no news where the platforms that gates name run the same.
func TestSame(t *testing.T) {
	const x86, arm, s390x = "linux/amd64", "linux/arm64/v8", "linux/s390x"
	shown := builds(x86, "a", arm, "b")
	both := spec.GateSpec{Platforms: []string{x86, "linux/arm64"}}
	for name, test := range map[string]struct {
		gates  []spec.GateSpec
		now    gate.Content
		change func(*facts)
		want   bool
	}{
		"another platform is added":   {gates: []spec.GateSpec{amd64}, now: builds(x86, "a", arm, "b", s390x, "c"), want: true},
		"an unused one is changed":    {gates: []spec.GateSpec{amd64}, now: builds(x86, "a", arm, "c"), want: true},
		"an unused one is removed":    {gates: []spec.GateSpec{amd64}, now: builds(x86, "a"), want: true},
		"a used one is changed":       {gates: []spec.GateSpec{both}, now: builds(x86, "a", arm, "c")},
		"a used one is removed":       {gates: []spec.GateSpec{both}, now: builds(x86, "a")},
		"another gate uses it":        {gates: []spec.GateSpec{amd64, {Platforms: []string{"linux/arm64"}}}, now: builds(x86, "a", arm, "c")},
		"no gate names platforms":     {gates: []spec.GateSpec{{MinAge: hours(1)}}, now: builds(x86, "a", arm, "b", s390x, "c")},
		"without any gate":            {now: builds(x86, "a", arm, "b", s390x, "c")},
		"what is shown is gone":       {gates: []spec.GateSpec{amd64}, now: builds(x86, "a"), change: func(f *facts) { f.gone[digest("shown")] = true }},
		"whether it is isn't known":   {gates: []spec.GateSpec{amd64}, now: builds(x86, "a"), change: func(f *facts) { f.broken[digest("shown")] = true }, want: true},
		"what is new isn't known":     {gates: []spec.GateSpec{amd64}, now: builds(x86, "a"), change: func(f *facts) { f.broken[digest("now")+" content"] = true }},
		"a digest that is malformed":  {gates: []spec.GateSpec{amd64}, now: builds(x86, "")},
		"a second image is added":     {gates: []spec.GateSpec{amd64}, now: builds(x86, "a", x86, "z")},
		"what is new is no image":     {gates: []spec.GateSpec{amd64}},
		"the image of the index":      {gates: []spec.GateSpec{amd64}, now: builds(x86, "a"), want: true},
		"another variant is the same": {gates: []spec.GateSpec{both}, now: builds(x86, "a", "linux/arm64", "b"), want: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &facts{gone: map[string]bool{}, broken: map[string]bool{}, content: map[string]gate.Content{digest("now"): test.now, digest("shown"): shown}}
			if test.change != nil {
				test.change(f)
			}
			w := compiled(t, test.gates...).Walk(subject(byDigest{f}, "5"))
			var same bool
			w.until(t.Context(), func(known gate.Known) (questions []gate.Question) {
				same, questions = w.walk.Same("5", digest("shown"), digest("now"), known)
				return questions
			})
			if same != test.want {
				t.Errorf("same: %v", same)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	added, removed, changed := gate.Difference(builds("linux/amd64", "a", "linux/386", "b", "linux/arm64", "c"), builds("linux/arm64", "c", "linux/s390x", "d", "linux/amd64", "e", "linux/arm", "f"))
	got := [][]string{added, removed, changed}
	if diff := cmp.Diff([][]string{{"linux/arm", "linux/s390x"}, {"linux/386"}, {"linux/amd64"}}, got); diff != "" {
		t.Error(diff)
	}
}
