package server_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/server"
	"github.com/pinsetter/pinsetter/store"
)

// noon is when the tests look.
var noon = time.Date(2026, 8, 6, 12, 0, 0, 0, time.UTC)

// world is a source that a test fills.
type world struct {
	status      atomic.Pointer[server.Status]
	explanation func(context.Context, pinsetter.Name) (*server.Explanation, error)
	runs        []store.Run
	historyErr  error
}

func (w *world) Status() *server.Status { return w.status.Load() }

func (w *world) Explain(ctx context.Context, name pinsetter.Name) (*server.Explanation, error) {
	if w.explanation == nil {
		return nil, server.ErrUnknown
	}
	return w.explanation(ctx, name)
}

func (w *world) History(_ context.Context, f store.Filter) ([]store.Run, error) {
	if w.historyErr != nil {
		return nil, w.historyErr
	}
	runs := []store.Run{}
	for _, r := range w.runs {
		if f.Automation == "" || f.Automation == r.Automation {
			runs = append(runs, r)
		}
	}
	return runs[:min(len(runs), f.Limit)], nil
}

// newWorld returns a world with status.
func newWorld(status *server.Status) *world {
	w := &world{}
	w.status.Store(status)
	return w
}

// start runs a server until t ends and returns its base address.
func start(t testing.TB, o server.Options) (s *server.Server, base string) {
	t.Helper()
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + s.Addr().String()
}

// get returns the status and body of an answer.
func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// fleet is a status as it may well be.
func fleet() *server.Status {
	age := "Gate shop/settled: seen 9h ago, and minAge is 72h: wait until 2026-08-09T03:00:00Z, lower minAge, or write 4.3.0 by hand"
	pinned := "Gate shop/careful: from 1.27.5 to 2.0.0 is a major step, and maxBump is minor: raise maxBump, or write 2.0.0 by hand"
	return &server.Status{
		At: noon.Add(-12 * time.Second),
		Automations: []server.Automation{
			{
				Namespace: "flux-system", Name: "infrastructure", Repository: "git.example.com/platform/clusters", Branch: "main",
				Revision: "main@sha1:4b825dc642cb6eb9a060e54bf8d69288fbee4904", LastRun: noon.Add(-3 * time.Minute), LastSuccess: noon.Add(-3 * time.Minute),
				NextRun: noon.Add(2 * time.Minute),
			},
			{
				Namespace: "payments", Name: "ledger", Repository: "github.com/example/payments", Branch: "pinsetter/ledger",
				LastRun: noon.Add(-10 * time.Minute), LastSuccess: noon.Add(-26 * time.Hour), NextRun: noon.Add(5 * time.Minute),
				Error: "ImageUpdateAutomation payments/ledger: push to github.com/example/payments: 403 Forbidden: the token may not write: give it contents: write",
			},
			{
				Namespace: "shop", Name: "apps", Repository: "github.com/example/shop", Branch: "pinsetter/apps",
				LastRun: noon.Add(-40 * time.Second), LastSuccess: noon.Add(-40 * time.Second), NextRun: noon.Add(4 * time.Minute),
				PullRequests: []store.PullRequest{{Number: 482, URL: "https://github.com/example/shop/pull/482", Action: "updated"}},
				Held: []server.Hold{
					{Rule: "minAge", Hold: pinsetter.Hold{Policy: "shop/storefront", Path: "apps/storefront/deployment.yaml", Line: 27, Current: "4.2.1", Candidate: "4.3.0", Reason: age, Until: noon.Add(63 * time.Hour)}},
					{Rule: "bump", Hold: pinsetter.Hold{Policy: "shop/proxy", Path: "apps/proxy/release.yaml", Line: 14, Current: "1.27.5", Candidate: "2.0.0", Reason: pinned}},
				},
			},
			{Namespace: "shop", Name: "legacy", Suspended: true, Repository: "github.com/example/shop", Branch: "main"},
		},
		Policies: []server.Policy{
			{Namespace: "flux-system", Name: "cert-manager", Image: "quay.io/jetstack/charts/cert-manager", Rule: "semver 1.x", Tag: "v1.18.2", Ref: "quay.io/jetstack/charts/cert-manager:v1.18.2", Tags: 212, ScannedAt: noon.Add(-3 * time.Minute)},
			{Namespace: "flux-system", Name: "podinfo", Image: "ghcr.io/stefanprodan/podinfo", Rule: "semver >=6.0.0", Tag: "6.9.1", Digest: "sha256:" + strings.Repeat("3a7c", 16), Ref: "ghcr.io/stefanprodan/podinfo:6.9.1", Tags: 1384, ScannedAt: noon.Add(-3 * time.Minute)},
			{Namespace: "payments", Name: "ledger", Image: "registry.example.com/payments/ledger", Rule: "numerical asc of ^main-[a-f0-9]+-(?P<ts>[0-9]+)$", Error: "ImageRepository payments/ledger: list tags of registry.example.com/payments/ledger: 401 Unauthorized: give it a secretRef", ScannedAt: noon.Add(-26 * time.Hour)},
			{Namespace: "shop", Name: "proxy", Image: "docker.io/library/nginx", Rule: "semver >=1.0.0", Tag: "2.0.0", Tags: 940, ScannedAt: noon.Add(-40 * time.Second)},
			{Namespace: "shop", Name: "storefront", Image: "ghcr.io/example/storefront", Rule: "semver ^4.0.0", Tag: "4.2.1", Tags: 57, ScannedAt: noon.Add(-40 * time.Second)},
			{Namespace: "shop", Name: "unused", Image: "ghcr.io/example/unused", Rule: "alphabetical asc"},
		},
		Recent: lately(),
	}
}

func lately() []store.Run {
	change := func(path, policy, before, after string) pinsetter.Change {
		return pinsetter.Change{Path: path, Line: 27, Setter: policy, Old: before, New: after}
	}
	return []store.Run{
		{
			At: noon.Add(-40 * time.Second), Automation: "shop/apps", Repository: "github.com/example/shop", Branch: "pinsetter/apps", Commit: "9c88c54f0c1f4be2a7a1b8d6dc3f8ae0f1d2c3b4",
			PullRequest: &store.PullRequest{Number: 482, URL: "https://github.com/example/shop/pull/482", Action: "updated"},
			Changes: []pinsetter.Change{
				change("apps/cart/deployment.yaml", "shop:cart", "ghcr.io/example/cart:3.1.0", "ghcr.io/example/cart:3.1.1"),
				change("apps/search/deployment.yaml", "shop:search", "ghcr.io/example/search:7.0.2", "ghcr.io/example/search:7.1.0"),
			},
			Held: fleetHolds(),
		},
		{At: noon.Add(-10 * time.Minute), Automation: "payments/ledger", Repository: "github.com/example/payments", Branch: "pinsetter/ledger", Error: "push to github.com/example/payments: 403 Forbidden: the token may not write: give it contents: write"},
		{
			At: noon.Add(-3 * time.Hour), Automation: "flux-system/infrastructure", Repository: "git.example.com/platform/clusters", Branch: "main", Commit: "31bbec4a5d6f7081920a3b4c5d6e7f8091a2b3c4",
			Changes: []pinsetter.Change{change("infrastructure/podinfo/release.yaml", "flux-system:podinfo:tag", "6.9.0", "6.9.1")},
			Images: []pinsetter.Written{
				{Policy: "flux-system/podinfo", Ref: "ghcr.io/stefanprodan/charts/podinfo:6.9.1", Provenance: pinsetter.Provenance{
					Source: "https://github.com/stefanprodan/podinfo", Revision: "6.9.1", Created: noon.Add(-5 * time.Hour), Signer: "cosign.pub (key 4a1f0c9d2e3b)",
				}},
				{Policy: "flux-system/podinfo", Ref: "nobody.example/knows:1", Provenance: pinsetter.Provenance{Unread: "<script>"}},
			},
		},
	}
}

func fleetHolds() []pinsetter.Hold {
	return []pinsetter.Hold{{Policy: "shop/proxy", Path: "apps/proxy/release.yaml", Line: 14, Current: "1.27.5", Candidate: "2.0.0", Reason: "Gate shop/careful: a major step"}}
}

// explained explains policy shop/storefront.
func explained(_ context.Context, name pinsetter.Name) (*server.Explanation, error) {
	if name.String() != "shop/storefront" {
		return nil, server.ErrUnknown
	}
	e := &server.Explanation{Explanation: pinsetter.Explanation{
		Namespace: "shop", Name: "storefront", Image: "ghcr.io/example/storefront", Selected: "4.2.1",
		Tags: []pinsetter.Verdict{
			{Tag: "4.3.0", Verdict: pinsetter.Rejected, Stage: pinsetter.StageGate, Gate: "shop/settled", Reason: "seen 9h ago, and minAge is 72h: wait until 2026-08-09T03:00:00Z, lower minAge, or write 4.3.0 by hand", Until: new(noon.Add(63 * time.Hour))},
			{Tag: "4.2.1", Verdict: pinsetter.Selected},
			{Tag: "4.2.0", Verdict: pinsetter.Eligible, Stage: pinsetter.StageOrder, Reason: "outranked by 4.2.1"},
			{Tag: "5.0.0-rc.1", Verdict: pinsetter.Rejected, Stage: pinsetter.StageRange, Reason: "outside of ^4.0.0"},
			{Tag: "latest", Verdict: pinsetter.Rejected, Stage: pinsetter.StageParse, Reason: "no version"},
			{Tag: "sha256-3a7c.sig", Verdict: pinsetter.Rejected, Stage: pinsetter.StageExclude, Reason: "on the exclusionList of ImageRepository shop/storefront"},
		},
		Sites: []pinsetter.Destination{
			{Automation: "shop/apps", Path: "apps/storefront/deployment.yaml", Line: 27, Current: "4.2.1", Next: "4.2.1", Held: "Gate shop/settled: seen 9h ago, and minAge is 72h"},
			{Automation: "shop/apps", Path: "apps/storefront/worker.yaml", Line: 31, Current: "4.2.0", Next: "4.2.1"},
		},
	}}
	return e, nil
}

// many is a status with so many policies.
func many(policies int) *server.Status {
	s := &server.Status{At: noon}
	for i := range policies / 10 {
		a := server.Automation{Namespace: "team", Name: fmt.Sprintf("app-%05d", i), Repository: "git.example.com/team/apps", Branch: "main", LastRun: noon, LastSuccess: noon}
		if i%10 == 0 {
			a.Held = []server.Hold{{Rule: "minAge", Hold: pinsetter.Hold{Policy: fmt.Sprintf("team/policy-%05d", i), Path: "a.yaml", Line: 1, Current: "1.2.2", Candidate: "1.2.3", Reason: "young"}}}
		}
		s.Automations = append(s.Automations, a)
	}
	for i := range policies {
		p := server.Policy{
			Namespace: "team", Name: fmt.Sprintf("policy-%05d", i), Image: fmt.Sprintf("registry.example.com/team/image-%05d", i),
			Rule: "semver >=1.0.0", Tag: "1.2.3", Ref: fmt.Sprintf("registry.example.com/team/image-%05d:1.2.3", i), Tags: 100, ScannedAt: noon,
		}
		if i%100 == 99 {
			p.Error = "list tags: 503 Service Unavailable"
		}
		s.Policies = append(s.Policies, p)
	}
	return s
}
