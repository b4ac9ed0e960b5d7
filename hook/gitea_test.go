package hook

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/parts"
)

// TestGitea: a real forge delivers a push to a receiver of type github, and
// nothing to one whose token it doesn't have.
func TestGitea(t *testing.T) {
	gitea := parts.NewGitea(t)
	good, other := door("github", "push"), door("github", "push")
	good.Name.Name, other.Name.Name = "good", "other"
	wakes, refusals := make(chan Wake, 10), make(chan error, 10)
	h, err := New([]*fleet.Receiver{good, other}, Options{
		Wake:    func(_ context.Context, w Wake) error { wakes <- w; return nil },
		Refused: func(_ pinsetter.Name, _ int, err error) { refusals <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	repository := gitea.NewRepository("bot/fleet", map[string]string{"a.yaml": "a: 1\n"})
	for path, secret := range map[string]string{Path(good): token, Path(other): "another"} {
		gitea.Must(http.MethodPost, repository.API+"/hooks", map[string]any{
			"type": "gitea", "active": true, "events": []string{"push"},
			"config": map[string]string{"url": server.URL + path, "content_type": "json", "secret": secret},
		}, nil)
	}
	repository.Commit(parts.Commit{Tree: parts.Tree{Files: map[string]string{"a.yaml": "a: 2\n"}}, Message: "Change"})

	parts.Until(t, "both deliveries", func() bool { return len(wakes)+len(refusals) >= 2 })
	for range 2 {
		select {
		case w := <-wakes:
			if w.Receiver != good.Name {
				t.Errorf("woken by %s", w.Receiver)
			}
		case err := <-refusals:
			if want := "take a delivery for Receiver team/other: its header X-Hub-Signature-256 is not a signature of the body with the token"; err.Error() != want {
				t.Errorf("refused: %v", err)
			}
		}
	}
	if len(wakes)+len(refusals) > 0 {
		t.Error("a delivery counted twice")
	}
}
