package bot

import "time"

// Observer is told what cycles do, for metrics. Its methods are called from several
// goroutines.
type Observer interface {
	// Scan: a registry was asked for a tag list.
	Scan(host string, took time.Duration, err error)

	// Push: a branch was pushed, or could not be.
	Push(err error)

	// PullRequest: something was done to a pull request.
	PullRequest(action Action)

	// RateLimit: a forge still allows so many requests. Of registries, who makes
	// Options.Registry is told.
	RateLimit(host string, remaining int)

	// Wait: a registry or Git server has owed an answer since then; the zero time
	// where it owes none.
	Wait(host string, since time.Time)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Scan(string, time.Duration, error) {}
func (nobody) Push(error)                        {}
func (nobody) PullRequest(Action)                {}
func (nobody) RateLimit(string, int)             {}
func (nobody) Wait(string, time.Time)            {}
