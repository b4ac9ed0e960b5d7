package bot_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
	"github.com/pinsetter/pinsetter/seats"
)

// TestAnArtifactGivesItsSeatAway while a registry is slow to list the tags that are
// decided about, as a branch does.
func TestAnArtifactGivesItsSeatAway(t *testing.T) {
	g := newGitless(t, "live", "1.0.0", "1.1.0")
	answered := make(chan struct{})
	answer := sync.OnceFunc(func() { close(answered) })
	t.Cleanup(answer)
	slow := scene.Fault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/org/app/tags/list") {
			<-answered
		}
		return false
	})
	g.Fault.Store(&slow)
	all := seats.New(1, nil)
	seat, ended := all.TryTake(), make(chan bot.Report)
	b := g.bot(nil)
	go func() { ended <- b.CycleOn(t.Context(), seat, g.Set.Automations) }()
	var other *seats.Seat
	parts.Until(t, "the seat to be free", func() bool { other = all.TryTake(); return other != nil })
	answer()
	other.Leave()
	if r := (<-ended).Results[0]; r.Err != nil || r.Pushed == nil {
		t.Errorf("%+v", r)
	}
}
