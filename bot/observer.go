package bot

import "time"

// Observer is told what a bot does, for metrics. Its methods are called from
// several goroutines.
type Observer interface {
	// Run: an automation was run, took so long and ended with err.
	Run(took time.Duration, err error)

	// Scan: a registry was asked for a tag list.
	Scan(host string, took time.Duration, err error)

	// Push: a branch was pushed, or could not be.
	Push(err error)

	// PullRequest: something was done to a pull request.
	PullRequest(action Action)

	// Selected: a policy was decided on. Held says that it has candidates and
	// none passes.
	Selected(held bool, err error)

	// RateLimit: a forge still allows so many requests. Of registries, who makes
	// Options.Registry is told.
	RateLimit(host string, remaining int)

	// Wait: a registry or Git server has owed an answer since then; the zero time
	// where it owes none.
	Wait(host string, since time.Time)

	// Queue: so many automations wait for others of their repository, the oldest
	// since then.
	Queue(length int, oldest time.Time)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Run(time.Duration, error)          {}
func (nobody) Scan(string, time.Duration, error) {}
func (nobody) Push(error)                        {}
func (nobody) PullRequest(Action)                {}
func (nobody) Selected(bool, error)              {}
func (nobody) RateLimit(string, int)             {}
func (nobody) Wait(string, time.Time)            {}
func (nobody) Queue(int, time.Time)              {}
