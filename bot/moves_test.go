package bot_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// An upgrade from a version whose keys had no ports forgets neither what somebody
// took back nor a refspec that is due: only the state knows of these.
func TestWhatIsKnownSurvivesThePort(t *testing.T) {
	w := tenants(t, "1.0.0", "1.1.0")
	one, two := w.newGitHost("a"), w.newGitHost("b")
	const quiet = "annotations: {pinsetter.dev/trailers: 'false'}"
	w.loadAll(
		tenant{namespace: "a", url: one.URL, metadata: quiet},
		tenant{namespace: "b", url: two.URL, metadata: quiet, push: "refspec: 'HEAD:refs/heads/copy'"},
	)
	two.Git("branch", "copy", two.Git("commit-tree", "-m", "theirs", "main^{tree}")) // refused: not an ancestor
	results := w.all()
	if results["a"].Err != nil || results["b"].Err == nil || results["b"].Pushed == nil {
		t.Fatalf("%+v, %+v", results["a"], results["b"])
	}
	one.CommitFile("main", "a.yaml", w.Named(tenantFile("a")), "")
	w.all() // which sees that, in the version before
	w.withoutPorts(one.URL, two.URL)
	two.Git("branch", "-D", "copy")

	for range 2 {
		results = w.all()
		if a := results["a"]; a.Err != nil || a.Pushed != nil || len(a.Held) != 1 {
			t.Errorf("a revert was forgotten: pushed %+v, held %v, %v", a.Pushed, a.Held, a.Err)
		}
		one.shows(t, "main", "a", "1.0.0")
		if b := results["b"]; b.Err != nil || two.Head("copy") != two.Head("main") {
			t.Errorf("a refspec was forgotten: %+v", b)
		}
	}
	ledger := w.Remember()
	for _, site := range []string{one.URL, two.URL} {
		repository := strings.TrimSuffix(strings.TrimPrefix(site, "http://"), ".git")
		if known, err := ledger.Sites().Written(t.Context(), repository, "main"); err != nil || len(known) == 0 {
			t.Errorf("%s: %v, %v", repository, known, err)
		}
	}
}

// Two logins were one lane before, which a refspec was due of.
func TestADueRefspecSurvivesTheSplitOfItsLane(t *testing.T) {
	w := tenants(t, "1.0.0", "1.1.0")
	h := w.newGitHost("a", "b")
	objects := func(second string) []tenant {
		return []tenant{{namespace: "a", url: h.URL, user: "alice"}, {namespace: "b", url: h.URL, user: second, push: "refspec: 'HEAD:refs/heads/copy'"}}
	}
	w.loadAll(objects("alice")...) // one session: as any two were
	h.Git("branch", "copy", h.Git("commit-tree", "-m", "theirs", "main^{tree}"))
	if r := w.all()["b"]; r.Err == nil || r.Pushed == nil {
		t.Fatalf("%+v", r)
	}
	h.Git("branch", "-D", "copy")
	w.loadAll(objects("bob")...)
	w.withoutPorts(h.URL)
	if r := w.all()["b"]; r.Err != nil || h.Head("copy") != h.Head("main") {
		t.Errorf("%+v", r)
	}
}

// withoutPorts makes the state one that a version without ports in keys wrote.
func (w *world) withoutPorts(urls ...string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", w.State)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	exec := func(statement string, args ...any) {
		w.t.Helper()
		if _, err := db.ExecContext(w.t.Context(), statement, args...); err != nil {
			w.t.Fatal(err)
		}
	}
	exec("DELETE FROM pinsetter_moved")
	for _, url := range urls {
		now := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), ".git")
		before := regexp.MustCompile(`:\d+/`).ReplaceAllString(now, "/")
		exec("UPDATE pinsetter_written SET repository = $1, naming = 0 WHERE repository = $2", before, now)
		exec("UPDATE pinsetter_run SET repository = $1, body = replace(body, $2, $1) WHERE repository = $2", before, now)
		for _, automations := range []string{"a/apps", "b/apps", "a/apps\nb/apps"} {
			lane := func(repository string) string {
				return hashed(repository + "\nbranch main\nmain\n" + automations + "\nrefspecs")
			}
			exec("UPDATE pinsetter_quiet SET lane = $1 WHERE lane = $2", lane(before), lane(now))
		}
	}
}

// hashed is how the state names what it is given a key for.
func hashed(key string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:32] }
