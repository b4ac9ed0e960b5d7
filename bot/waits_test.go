package bot

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// owing keeps what an observer is told of waits.
type owing struct {
	nobody
	since map[string]time.Time
}

func (o owing) Wait(host string, since time.Time) { o.since[host] = since }

// TestAHostThatOwesAnswersIsSaidOnce, until it has given them all, and the observer
// knows since when.
func TestAHostThatOwesAnswersIsSaidOnce(t *testing.T) {
	var said bytes.Buffer
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	told := owing{since: map[string]time.Time{}}
	o := Options{Now: func() time.Time { return now }, Observer: told, Log: slog.New(slog.NewTextHandler(&said, nil))}.WithDefaults()

	first := o.wait("slow.example.com", "list tags of a")
	begun := now
	now = now.Add(time.Second)
	second := o.wait("slow.example.com", "list tags of b")
	o.wait("quick.example.com", "list tags of c")()
	if len(told.since) != 2 || told.since["slow.example.com"] != begun || !told.since["quick.example.com"].IsZero() {
		t.Errorf("told %v", told.since)
	}
	o.sayWait("slow.example.com", "list tags of a")
	o.sayWait("slow.example.com", "list tags of b")
	o.sayWait("quick.example.com", "list tags of c")
	if text := said.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "host=slow.example.com") || !strings.Contains(text, `question="list tags of a"`) {
		t.Errorf("the log says %s", text)
	}
	first()
	if told.since["slow.example.com"] != begun.Add(time.Second) {
		t.Errorf("told %v once the first is answered", told.since)
	}
	second()
	if len(o.waits.hosts) != 0 || !told.since["slow.example.com"].IsZero() {
		t.Errorf("nothing is asked, and %v is told, %v kept", told.since, o.waits.hosts)
	}
	o.wait("slow.example.com", "list tags of d")
	if o.sayWait("slow.example.com", "list tags of d"); strings.Count(said.String(), "\n") != 2 {
		t.Error("a new wait isn't said")
	}
}
