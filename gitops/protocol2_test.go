package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/git"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/parts"
)

// oldGit returns a server that speaks protocol v0 alone.
func oldGit(t testing.TB) *parts.Git {
	t.Helper()
	return parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Git-Protocol")
			next.ServeHTTP(w, r)
		})
	}}})
}

// counted is a server that counts the bytes of its answers.
func counted(t testing.TB) (*parts.Git, *atomic.Int64) {
	t.Helper()
	sent := new(atomic.Int64)
	return parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(countingWriter{w, sent}, r) })
	}}}), sent
}

type countingWriter struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	w.sent.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

// manyRefs gives a repository n refs of one commit below a prefix.
func manyRefs(t testing.TB, g *parts.Git, r *parts.Repository, prefix string, n int) {
	t.Helper()
	head, lines := r.Head("main"), new(bytes.Buffer)
	for i := range n {
		fmt.Fprintf(lines, "create %s%06d %s\n", prefix, i, head)
	}
	cmd := exec.Command(parts.Need(t, "git"), "update-ref", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = r.Dir, g.Env(), lines
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.Git("pack-refs", "--all")
}

// What a fetch costs doesn't depend on how many refs there are that it has no
// use for.
func TestManyRefs(t *testing.T) {
	g, sent := counted(t)
	few := g.NewRepository("org/few", parts.RepositoryOptions{Tree: files})
	many := g.NewRepository("org/many", parts.RepositoryOptions{Tree: files})
	for _, r := range []*parts.Repository{few, many} {
		r.Git("branch", "updates", "main")
		r.Git("tag", "-a", "-m", "one", "v1.0.0", "main")
	}
	manyRefs(t, g, many, "refs/pull/", 5000)
	latest := func(string, []string) ([]string, error) { return []string{"v1.0.0"}, nil }
	for _, ref := range []fleet.GitRef{main, {Tag: "v1.0.0"}, {SemVer: "1.x"}, {Name: "HEAD"}, {Name: "refs/heads/main"}, {Commit: few.Head("main")}} {
		cost := func(r *parts.Repository) int64 {
			sent.Store(0)
			remote := openWith(t, &fleet.GitSource{URL: r.URL}, gitops.Options{LatestTags: latest, Bounds: gitops.Bounds{Bounds: git.Bounds{RefBytes: 10_000}}})
			fetched := fetch(t, remote, ref, "updates")
			if fetched.Base.Hash() != r.Head("main") || fetched.Push["updates"] == nil {
				t.Errorf("%+v: %+v", ref, fetched)
			}
			return sent.Load()
		}
		if a, b := cost(few), cost(many); b > a+100 { // packs differ by some bytes
			t.Errorf("%+v: %d bytes with few refs, %d with many", ref, a, b)
		}
	}
}

// An answer that is no answer is an error, and ends.
func TestProtocol2Hostile(t *testing.T) {
	const advertisement = "000eversion 2\n000cls-refs\n0012fetch=shallow\n0000"
	for name, test := range map[string]struct{ adv, refs, pack, text string }{
		"no commands":    {adv: "000eversion 2\n0000", text: "neither ls-refs nor fetch"},
		"other hashes":   {adv: "000eversion 2\n0019object-format=sha256\n0000", text: "sha256: only sha1"},
		"cut":            {adv: "000eversion 2\n00", text: "invalid pkt-len"},
		"no length":      {adv: "000eversion 2\nzzzz", text: "malformed pkt-line"},
		"no hash":        {adv: advertisement, refs: "0010nonsense to\n0000", text: "malformed ref"},
		"refs cut":       {adv: advertisement, refs: "0fff", text: "invalid pkt-len"},
		"refs refused":   {adv: advertisement, refs: "0010ERR go away\n0000", text: "go away"},
		"no refs":        {adv: advertisement, refs: "0000", text: "the repository is empty"},
		"no pack":        {adv: advertisement, refs: "003d" + strings.Repeat("a", 40) + " refs/heads/main\n0000", pack: "0000", text: "no pack"},
		"not a section":  {adv: advertisement, refs: "003d" + strings.Repeat("a", 40) + " refs/heads/main\n0000", pack: strings.Repeat("000aabcde\n", 10_000), text: "over the bound of 50000 bytes before a pack"},
		"pack refused":   {adv: advertisement, refs: "003d" + strings.Repeat("a", 40) + " refs/heads/main\n0000", pack: "0010ERR go away\n", text: "go away"},
		"pack is no one": {adv: advertisement, refs: "003d" + strings.Repeat("a", 40) + " refs/heads/main\n0000", pack: "000dpackfile\n000a\x01PACKx0000", text: "ended the connection early"},
	} {
		t.Run(name, func(t *testing.T) {
			front := parts.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				switch {
				case r.Method == http.MethodGet:
					w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
					_, _ = io.WriteString(w, test.adv)
				case bytes.Contains(body, []byte("command=ls-refs")):
					_, _ = io.WriteString(w, test.refs)
				default:
					_, _ = io.WriteString(w, test.pack)
				}
			}), parts.FrontOptions{})
			remote := openWith(t, &fleet.GitSource{URL: front.URL + "/org/app.git"}, gitops.Options{Bounds: gitops.Bounds{Bounds: git.Bounds{RefBytes: 50_000}}})
			_, err := remote.Fetch(context.Background(), main, "")
			wantError(t, err, test.text)
		})
	}
}

// The server is asked again what it speaks when a command that it knew fails.
func TestProtocol2Forgotten(t *testing.T) {
	refuse := new(atomic.Bool)
	g := parts.NewGit(t, parts.GitOptions{FrontOptions: parts.FrontOptions{Around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Git-Protocol") != "" && refuse.Load() {
				r.Header.Del("Git-Protocol")
				if r.Method == http.MethodPost {
					http.Error(w, "what?", http.StatusBadRequest)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}}})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	remote := open(t, repository.URL)
	fetch(t, remote, main, "")
	refuse.Store(true)
	if got := fetch(t, remote, main, "").Base.Hash(); got != repository.Head("main") {
		t.Errorf("read %s", got)
	}
}

// An unborn HEAD, and branches without one, are no empty repository.
func TestProtocol2WithoutHead(t *testing.T) {
	g := parts.NewGit(t, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	repository.Git("symbolic-ref", "HEAD", "refs/heads/unborn")
	remote := open(t, repository.URL)
	fetch(t, remote, main, "")
	_, err := remote.Fetch(context.Background(), fleet.GitRef{Branch: "mian"}, "")
	if !errors.Is(err, gitops.ErrNoRef) {
		t.Errorf("error %v, want ErrNoRef", err)
	}
	wantError(t, err, `there is "main"`)
}

// BenchmarkManyRefs asks for a branch of a repository with 50,000 refs and reads
// its few files. Its yardstick is git ls-remote for that branch, which is a
// process too.
func BenchmarkManyRefs(b *testing.B) {
	g := parts.NewGit(b, parts.GitOptions{})
	repository := g.NewRepository("org/app", parts.RepositoryOptions{Tree: files})
	manyRefs(b, g, repository, "refs/pull/", 50_000)
	var ours, theirs time.Duration
	for b.Loop() {
		started := time.Now()
		remote, err := gitops.Open(&fleet.GitSource{URL: repository.URL}, gitops.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := remote.Fetch(context.Background(), main, ""); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(started)
		took, _ := yardstick(b, g, "ls-remote", repository.URL, "refs/heads/main")
		theirs += took
	}
	b.ReportMetric(float64(ours)/float64(b.N), "ns/op")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-ls-remote")
}
