package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// A GitHub App logs in to each conversation with what it is given then, and with
// nothing else.
func TestApp(t *testing.T) {
	ca := parts.NewCA(t)
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{TLS: &parts.TLS{CA: ca}, User: "x-access-token", Password: "fresh"}})
	r := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	src := &fleet.GitSource{URL: r.URL, App: &fleet.GitHubApp{ID: 7}, Auth: fleet.GitAuth{
		TLS: pinsetter.TLS{CA: ca.PEM}, Username: "somebody", Password: secret("else"),
	}}
	asked, token := 0, "fresh"
	remote := openWith(t, src, gitops.Options{Credential: func(_ context.Context, of *fleet.GitSource) (string, pinsetter.Secret, error) {
		if asked++; of != src {
			t.Errorf("asked for %v", of)
		}
		if token == "" {
			return "", pinsetter.Secret{}, fmt.Errorf("no installation")
		}
		return "x-access-token", secret(token), nil
	}})
	ctx := context.Background()
	base := fetch(t, remote, main, "updates").Base
	next := commit(t, base, map[string]string{"apps/a.yaml": "tag: 1.1.0\n"})
	push(t, remote, gitops.Push{Snapshot: next, Branch: "updates"})
	if err := remote.Delete(ctx, "updates", next.Hash()); err != nil {
		t.Error(err)
	}
	if asked != 4 { // fetch, push, and delete: look and do
		t.Errorf("asked %d times", asked)
	}
	token = "stale"
	if _, err := remote.Fetch(ctx, main); !errors.Is(err, gitops.ErrAuth) {
		t.Errorf("error %v, want ErrAuth", err)
	}
	token = ""
	_, err := remote.Fetch(ctx, main)
	wantError(t, err, "log in as GitHub App 7: no installation")
}

func TestAppRefused(t *testing.T) {
	credential := func(context.Context, *fleet.GitSource) (string, pinsetter.Secret, error) {
		t.Error("asked")
		return "", pinsetter.Secret{}, nil
	}
	for url, test := range map[string]struct {
		credential gitops.Credential
		text       string
	}{
		"https://git.example.test/a":   {nil, "no way to log in as a GitHub App was given"},
		"http://git.example.test/a":    {credential, "would be shown by plain http"},
		"ssh://git@git.example.test/a": {credential, "a GitHub App logs in over https"},
	} {
		_, err := gitops.Open(&fleet.GitSource{URL: url, App: &fleet.GitHubApp{ID: 7}}, gitops.Options{Credential: test.credential})
		wantError(t, err, "open Git repository", test.text)
	}
}
