package replay_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/decide"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gate"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/policy"
	"github.com/pinsetter/pinsetter/replay"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/spec"
)

const (
	file    = "image: registry.test/app:1.0.0 # {\"$imagepolicy\": \"ns:app\"}\n"
	digest  = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	longAgo = "sha256:3210fedcba9876543210fedcba9876543210fedcba9876543210fedcba987654"
	another = "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// step returns what a commit of these files did to a repository.
func step(t *testing.T, files map[string]string) gitops.Step {
	t.Helper()
	r := parts.NewGit(t, parts.GitOptions{}).NewRepository("org/fleet", parts.RepositoryOptions{
		Tree: parts.Tree{Files: map[string]string{"apps/a.yaml": file, "b.yaml": file}},
	})
	r.Commit(parts.Commit{Branch: "updates", From: "main", Tree: parts.Tree{Files: files}})
	remote, err := gitops.Open(&fleet.GitSource{URL: "file://" + r.Dir}, gitops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fetched, err := remote.Fetch(t.Context(), fleet.GitRef{Branch: "main"}, "updates")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fetched.Close)
	return fetched.Base.Steps(t.Context(), fetched.Push["updates"].Commits, 2, setters.IsCandidate)[0]
}

// known is the policy, of which 1.0.0 and 1.1.0 are listed, and 1.0.5 was.
func known(t *testing.T, p *fleet.Policy) replay.Policy {
	t.Helper()
	rules, err := policy.New(p.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return replay.Policy{
		Policy: &decide.Policy{Object: p, Rules: rules},
		Tags:   []string{"1.1.0", "1.0.0"},
		Sight: func(_ context.Context, tag string) (gate.Sight, error) {
			if tag != "1.0.5" {
				return gate.Sight{}, nil
			}
			return gate.Sight{Since: time.Unix(1, 0), Previous: another}, nil
		},
		Showings: func(_ context.Context, tag string) ([]pinsetter.Showing, error) {
			if tag != "1.0.5" {
				return nil, nil
			}
			return []pinsetter.Showing{{Digest: longAgo}}, nil
		},
		Digest: func(context.Context, string) (string, error) { return digest, nil },
	}
}

// TestByAny: a commit is the bot's if the policy could have had its bytes written. It
// is not where anything else is in it, and where something isn't known nobody's.
func TestByAny(t *testing.T) {
	lost := errors.New("the registry is away")
	shows := func(image string) map[string]string {
		return map[string]string{"apps/a.yaml": strings.Replace(file, "registry.test/app:1.0.0", image, 1)}
	}
	const ours, theirs, unsure = "ours", "theirs", "unsure"
	for name, test := range map[string]struct {
		files map[string]string
		loses func(*replay.Policy)
		want  string
	}{
		"a listed tag":             {files: shows("registry.test/app:1.1.0"), want: ours},
		"a tag that was seen":      {files: shows("registry.test/app:1.0.5"), want: ours},
		"its digest":               {files: shows("registry.test/app:1.1.0@" + digest), want: ours},
		"a digest that it had":     {files: shows("registry.test/app:1.0.5@" + another), want: ours},
		"a digest of long ago":     {files: shows("registry.test/app:1.0.5@" + longAgo), want: ours},
		"the digest of another":    {files: shows("registry.test/app:1.1.0@" + another), want: theirs},
		"a tag that never was":     {files: shows("registry.test/app:1.1.7"), want: theirs},
		"a tag out of the range":   {files: shows("registry.test/app:2.0.0"), want: theirs},
		"another image":            {files: shows("evil.test/app:1.1.0"), want: theirs},
		"a byte beside the value":  {files: map[string]string{"apps/a.yaml": file + "# x\n"}, want: theirs},
		"outside of the path":      {files: map[string]string{"b.yaml": strings.Replace(file, "1.0.0", "1.1.0", 1)}, want: theirs},
		"a file that is new":       {files: map[string]string{"apps/new.yaml": file}, want: theirs},
		"the list isn't believed":  {shows("registry.test/app:1.1.7"), func(p *replay.Policy) { p.Disbelief = &gate.Refusal{Reason: "cut"} }, unsure},
		"nothing is listed":        {shows("registry.test/app:1.1.0"), func(p *replay.Policy) { p.Tags, p.Sight, p.Showings, p.Digest, p.Err = nil, nil, nil, nil, lost }, unsure},
		"nothing, without a cause": {shows("registry.test/app:1.1.0"), func(p *replay.Policy) { p.Tags, p.Sight, p.Showings, p.Digest = nil, nil, nil, nil }, unsure},
		"a digest can't be asked for": {shows("registry.test/app:1.1.0@" + another), func(p *replay.Policy) {
			p.Digest = func(context.Context, string) (string, error) { return "", lost }
		}, unsure},
		"the rules can't be used": {shows("registry.test/app:1.1.0"), func(p *replay.Policy) { p.Rules = nil }, unsure},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := fleet.NewSelector(nil)
			if err != nil {
				t.Fatal(err)
			}
			p := &fleet.Policy{
				Name:       pinsetter.Name{Namespace: "ns", Name: "app"},
				Repository: &fleet.Repository{Image: "registry.test/app"},
				Spec:       spec.ImagePolicySpec{Policy: spec.ImagePolicyChoice{SemVer: &spec.SemVerPolicy{Range: "<2"}}},
			}
			a := &fleet.Automation{Name: pinsetter.Name{Namespace: "ns", Name: "all"}, Path: "apps", Selector: all}
			other := &fleet.Automation{Name: pinsetter.Name{Namespace: "ns", Name: "none"}, Path: "none", Selector: all}
			r := replay.Replayer{
				Set: &fleet.Set{Policies: []*fleet.Policy{p}},
				Select: func(_ context.Context, p *fleet.Policy) replay.Policy {
					k := known(t, p)
					if test.loses != nil {
						test.loses(&k)
					}
					return k
				},
			}
			err = r.ByAny(t.Context(), []*fleet.Automation{other, a}, step(t, test.files))
			got := unsure
			switch {
			case err == nil:
				got = ours
			case errors.Is(err, replay.ErrTheirs):
				got = theirs
			}
			if got != test.want {
				t.Errorf("%s, want %s: %v", got, test.want, err)
			}
		})
	}
}
