package bot_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
)

// crowd is a world with n open pull requests at GitHub, one for each directory,
// which nothing is to be done about.
func crowd(t testing.TB, n int) (*offers, *parts.GitHub) {
	t.Helper()
	github := parts.NewGitHub(t)
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("app-%d/a.yaml", i)] = storyFile
	}
	o := offer(t, githubs(github), "groupBy: directory", files)
	for range 2 { // what is new is asked for once more
		for _, r := range o.all() {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	github.Log.Reset()
	return o, github
}

// asked is what one run asked of a forge and of Git.
type asked struct {
	known  int // whether pull requests have changed
	others int // of the forge's API
	git    int
}

func countRequests(github *parts.GitHub) asked {
	var a asked
	for _, r := range github.Log.All() {
		switch {
		case !strings.HasPrefix(r.Path, "/api/"):
			a.git++
		case r.Status == http.StatusNotModified && r.Header.Get("If-None-Match") != "":
			a.known++
		default:
			a.others++
		}
	}
	return a
}

// With nothing to do, the pull requests cost one conditional request, and the
// repository a look at its branches, however many there are.
func TestNothingToDoCostsOneRequestForAllProposals(t *testing.T) {
	for _, n := range []int{1, 10} {
		o, github := crowd(t, n)
		o.all()
		a := countRequests(github)
		if a.known != 1 || a.others != 0 || a.git > 1 {
			t.Errorf("%d pull requests: %+v", n, a)
		}
	}
}

// BenchmarkProposals is a run with nothing to do about many pull requests. The metric
// x-page is how many requests it makes to the forge.
func BenchmarkProposals(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("groups=%d", n), func(b *testing.B) {
			o, github := crowd(b, n)
			ledger := o.Remember()
			runs := 0
			for b.Loop() {
				o.bot(ledger).Cycle(context.Background(), bot.Push, o.Set.Automations)
				runs++
			}
			a := countRequests(github)
			b.ReportMetric(float64(a.known+a.others)/float64(runs), "x-page")
			b.ReportMetric(float64(a.known+a.others+a.git)/float64(runs), "requests")
		})
	}
}
