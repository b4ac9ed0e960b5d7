package bot

import (
	"container/list"
	"sync"
	"time"
)

// longWait is how long a server may take to answer before the log names it.
const longWait = 10 * time.Second

// serverWaits are the questions to servers that have no answer yet. It is safe for
// concurrent use.
type serverWaits struct {
	mu    sync.Mutex
	hosts map[string]*hostWaits
}

// hostWaits are the questions to one host.
type hostWaits struct {
	since *list.List // when each was asked, the oldest first
	said  bool       // the log has it
}

// wait notes that a host is asked something until ended is called. The observer is
// told since when the oldest question to the host is open. Once one is for longWait,
// the log says which, and no other of the host until all are answered.
func (o Options) wait(host, what string) (ended func()) {
	w := o.waits
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.hosts[host]
	if h == nil {
		h = &hostWaits{since: list.New()}
		w.hosts[host] = h
	}
	mine := h.since.PushBack(o.Now())
	if h.since.Front() == mine {
		o.Observer.Wait(host, o.Now())
	}
	timer := time.AfterFunc(longWait, func() { o.sayWait(host, what) })
	return func() {
		timer.Stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		oldest := h.since.Front() == mine
		h.since.Remove(mine)
		switch {
		case h.since.Len() == 0:
			delete(w.hosts, host)
			o.Observer.Wait(host, time.Time{})
		case oldest:
			o.Observer.Wait(host, h.since.Front().Value.(time.Time))
		}
	}
}

// sayWait says that a host has not answered for longWait.
func (o Options) sayWait(host, what string) {
	w := o.waits
	w.mu.Lock()
	h := w.hosts[host]
	if h == nil || h.said {
		w.mu.Unlock()
		return
	}
	h.said = true
	open := h.since.Len()
	w.mu.Unlock()
	o.Log.Warn("still waiting for a server; what others are asked for goes on", "host", host, "question", what, "for", longWait, "open", open)
}
