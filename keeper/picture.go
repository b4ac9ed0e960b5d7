package keeper

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/bot"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

// Picture is the state of a Keeper at one moment. It never changes.
type Picture struct {
	At          time.Time
	Automations []AutomationState // sorted by namespace and name
	Policies    []bot.PolicyState // the same; one that no marker asked for yet selects nothing
	Recent      []store.Run       // newest first
	Findings    []pinsetter.Finding
}

// AutomationState is an automation with the outcome of its last run.
type AutomationState struct {
	Name         pinsetter.Name
	Repository   string // "host/path", "host:port/path"; "" for a URL without one
	Web          string // the repository's address for browsers; "" where none is known
	Branch       string // that it pushes to, or that its pull requests are to be merged into
	Proposes     bool   // it proposes changes
	Revision     string // "branch@sha1:hash" of what was read last
	Suspended    bool
	LastRun      time.Time // zero: there was none
	LastSuccess  time.Time
	NextRun      time.Time
	PullRequests []bot.PullRequest // that are open
	Held         []pinsetter.Hold
	Unverified   []pinsetter.Unverified // sites whose written digests a rule about signatures refuses
	Err          error
	Findings     []pinsetter.Finding // about the files that were read
}

// maxRecent bounds the runs in a picture.
const maxRecent = 50

// of returns the state for an automation that was loaded again.
func (s AutomationState) of(a *fleet.Automation) AutomationState {
	s.Name, s.Suspended, s.Branch = a.Name, a.Suspended, a.PushBranch
	if s.Proposes = a.PullRequest != nil; s.Proposes {
		s.Branch = a.BaseBranch()
	}
	if a.Delivery != nil {
		s.Repository, s.Branch = bot.RepositoryOf(a), strings.Join(a.Delivery.MoveTags, ", ")
	}
	if a.Git != nil {
		s.Repository, s.Web = bot.RepositoryOf(a), webOf(a.Git.URL)
	}
	if a.Err != nil {
		s.Err = a.Err
	}
	return s
}

// forges are hosts whose ssh URLs and web pages have the same host name.
var forges = []string{"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"}

// scpURL matches a URL in scp's form, user@host:path.
var scpURL = pinsetter.Pattern(`^(?:[^@/:]+@)?([^/:]+):([^/:][^:]*)$`)

// webOf returns the web address of a repository by its Git URL: for http and
// https, and for ssh at a known forge. Else it returns "".
func webOf(git string) string {
	if found := scpURL().FindStringSubmatch(git); found != nil {
		git = "ssh://" + found[1] + "/" + found[2]
	}
	u, err := url.Parse(git)
	if err != nil || u.Host == "" {
		return ""
	}
	web := url.URL{Scheme: u.Scheme, Host: u.Host, Path: strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), ".git")}
	switch {
	case u.Scheme == "http", u.Scheme == "https":
	case u.Scheme == "ssh" && slices.Contains(forges, u.Hostname()):
		web.Scheme, web.Host = "https", u.Hostname()
	default:
		return ""
	}
	return web.String()
}

// ending is the outcome of a cycle.
type ending struct {
	bot.Report
	stopped bool // the program ends: what isn't begun was left out

	recent     []store.Run // of the ledger
	remembered bool        // by it
}

// settle records the outcome of a cycle.
func (k *Keeper) settle(e ending) {
	now, diary := k.now(), diary{k.o.Bot.Log}
	ended, before := map[pinsetter.Name]*AutomationState{}, map[pinsetter.Name]AutomationState{}
	for _, r := range e.Results {
		t := k.agenda.byName[r.Automation()]
		if t == nil {
			continue // it isn't loaded any more
		}
		if ended[r.Automation()] == nil {
			ended[r.Automation()] = &t.state
			before[r.Automation()] = t.state
			t.state.LastRun, t.state.Err, t.state.Held, t.state.PullRequests, t.state.Findings = now, nil, nil, nil, nil
			t.state.Unverified = nil
		}
		t.state.add(r)
		diary.done(r)
		if run := bot.RunOf(k.set, t.automation, r, now); run.Commit != "" || run.PullRequest != nil {
			k.recent = slices.Insert(k.recent, 0, run)
		}
	}
	for _, state := range ended {
		if state.Err == nil {
			state.LastSuccess = now
		}
		diary.held(state, before[state.Name].Held)
		diary.ended(state, before[state.Name].Err)
		k.o.Observer.Run(e.Took, state.Err)
	}
	if e.remembered {
		k.recent = e.recent
	}
	k.recent = k.recent[:min(len(k.recent), maxRecent)]
	for _, p := range e.Policies {
		if k.set.Policy(p.Policy()) != nil {
			k.policies[p.Policy()] = p
		}
		k.o.Observer.Selected(p.Held != "", p.Err)
	}
	k.agenda.settle(e.Policies, ended, now)
	for _, name := range e.Soon {
		if t := k.agenda.byName[name]; t != nil && t.schedule.interval > 0 {
			t.plan(earlier(t.due, now.Add(soon)))
		}
	}
	k.redraw()
}

// soon is the delay until an image that isn't signed yet is checked again: CI
// signs seconds to minutes after it pushes.
const soon = time.Minute

// add adds one result of a run. A run has several if its changes are grouped.
func (s *AutomationState) add(r *bot.Result) {
	s.Suspended = r.Suspended
	if r.Revision != "" {
		s.Revision = r.Revision
	}
	s.Held = append(s.Held, r.Held...)
	s.Unverified = append(s.Unverified, r.Unverified...)
	s.Findings = append(s.Findings, r.Findings...)
	if pr := r.PullRequest; pr != nil && !pr.Refused && pr.Action != bot.Closed && pr.Action != bot.Merged {
		s.PullRequests = append(s.PullRequests, *pr)
	}
	s.Err = errors.Join(s.Err, r.Err)
}

// Picture returns the current state, or nil before there are objects. It
// returns the same pointer until something changes.
func (k *Keeper) Picture() *Picture {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.picture == nil && k.set != nil {
		k.picture = k.draw()
	}
	return k.picture
}

// redraw drops the picture, so that the next caller gets one of now.
func (k *Keeper) redraw() { k.at, k.picture = k.now(), nil }

func (k *Keeper) draw() *Picture {
	p := &Picture{At: k.at, Recent: slices.Clone(k.recent), Findings: slices.Concat(k.complaints, k.set.Findings)}
	for _, t := range k.agenda.tasks {
		p.Automations = append(p.Automations, t.state)
		p.Findings = append(p.Findings, t.state.Findings...)
	}
	p.Findings = pinsetter.SortFindings(p.Findings)
	for _, policy := range k.set.Policies {
		state := bot.StateOf(policy)
		if last, known := k.policies[policy.Name]; known && policy.Err == nil {
			last.Suspended = state.Suspended
			state = last
		}
		if w := k.agenda.watches[state.Repository]; w != nil && w.at.After(state.Listing.At) {
			state.Listing.At = w.at // no cycle was needed, since it is the same
		}
		p.Policies = append(p.Policies, state)
	}
	return p
}

// recall returns the newest runs of the ledger, and false if it remembers none.
// In that case the Keeper shows those since its start.
func (k *Keeper) recall(ctx context.Context) (runs []store.Run, remembered bool) {
	if !k.o.Bot.Ledger.Remembers() {
		return nil, false
	}
	runs, err := k.o.Bot.Ledger.Runs().History(ctx, store.Filter{Limit: maxRecent})
	return runs, err == nil
}
