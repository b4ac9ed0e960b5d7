package keeper_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that a test reads while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

// TestTheLogTellsEachThingOnce: a push with its automation and changes, a hold that
// is new, and a failure, however often the automation runs.
func TestTheLogTellsEachThingOnce(t *testing.T) {
	log := &lines{}
	k := newKeeping(t, onMain(), storyFiles)
	k.log = slog.NewTextHandler(log, nil)
	k.Registry.Push("org/app", "1.0.1")
	k.begin(0)
	k.ran("apps", 1)
	k.after(6 * time.Minute)
	k.ran("apps", 2)
	if log.count("msg=pushed automation=default/apps") != 1 || log.count(`summary="app 1.0.0 -> 1.0.1 in a.yaml"`) != 1 || log.count("commit=") != 1 {
		t.Errorf("the push: %s", log.text.String())
	}
	k.Registry.SetTags("org/app", "1.0.0") // what is written has vanished
	for n := 3; n < 6; n++ {
		k.after(6 * time.Minute)
		k.ran("apps", n)
	}
	if log.count("msg=held automation=default/apps policy=default/app ") != 1 {
		t.Errorf("the hold: %s", log.text.String())
	}
}
