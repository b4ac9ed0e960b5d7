package server

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// Numbers of rows in the lists of the overview.
const (
	glanceAutomations = 50
	glancePolicies    = 50
	glanceHeld        = 20
	glanceRuns        = 15
	glanceProblems    = 20
)

// routePages adds the status page.
func (s *Server) routePages(mux *http.ServeMux) {
	for path, asset := range s.pages.assets {
		mux.Handle("GET "+path, asset)
	}
	get := func(path string, show func(v *view, r *http.Request) (string, sheet, error)) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { s.show(w, r, show) })
	}
	get("/{$}", s.showOverview)
	get("/automations", listed("Automations", "automations", func(v *view) []automationRow { return v.automations }))
	get("/policies", listed("Policies", "policies", func(v *view) []policyRow { return v.policies }))
	get("/held", s.showHeld)
	get("/history", s.showHistory)
	get("/automations/{namespace}/{name}", s.showAutomation)
	get("/policies/{namespace}/{name}", s.showPolicy)
	get("/", func(*view, *http.Request) (string, sheet, error) { return "", sheet{}, ErrUnknown })
}

// show sends a page, or an error page.
func (s *Server) show(w http.ResponseWriter, r *http.Request, show func(*view, *http.Request) (string, sheet, error)) {
	name, page, err := "", sheet{}, errNotLoaded
	if v := s.viewer.now(); v != nil {
		name, page, err = show(v, r)
		page.At, page.Refresh = v.At, name != "policy" && err == nil
	}
	code := http.StatusOK
	if err != nil {
		code = statusOf(err)
		name, page = "error", sheet{Title: http.StatusText(code), Body: err.Error()}
	}
	body, err := s.pages.render(name, page)
	if err != nil {
		s.o.Log.Error("a page can't be shown", "error", err)
		say(w, http.StatusInternalServerError, "the page can't be shown; the log says why")
		return
	}
	if page.Refresh {
		w.Header().Set("Refresh", "60") // seconds
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client may be gone
}

// glance is the body of the overview.
type glance struct {
	counts
	Problems    []problem
	Automations []automationRow
	Policies    []policyRow
	Held        []heldRow
	Runs        []runRow
	All         struct{ Problems, Automations, Policies int }
}

func upTo[T any](n int, items []T) []T { return items[:min(n, len(items))] }

// problem is a failing automation or policy, or a finding.
type problem struct {
	Kind string // "automations" or "policies", as in their paths; "" for a finding
	Name string // "namespace/name", or a finding's file and line
	Text string
}

func (s *Server) showOverview(v *view, _ *http.Request) (string, sheet, error) {
	problems := problemsOf(v)
	body := glance{
		counts:      v.counts,
		Problems:    upTo(glanceProblems, problems),
		Automations: upTo(glanceAutomations, v.automations),
		Policies:    upTo(glancePolicies, v.policies),
		Held:        upTo(glanceHeld, v.held),
		Runs:        v.runRows(upTo(glanceRuns, v.Recent)),
	}
	body.All.Problems, body.All.Automations, body.All.Policies = len(problems), len(v.automations), len(v.policies)
	return "overview", sheet{Title: "Overview", Nav: "/", Body: body}, nil
}

func (v *view) runRows(runs []store.Run) []runRow {
	rows := make([]runRow, len(runs))
	for i, run := range runs {
		rows[i] = runRow{run, v.webs[run.Repository]}
	}
	return rows
}

// problemsOf returns what fails, each thing once: what an automation says of a policy
// is the policy's, and what either says of an object is not a finding besides.
func problemsOf(v *view) []problem {
	var problems, ofPolicies []problem
	said := map[string]bool{}
	for _, p := range choose(v.policies, Failing, "") {
		ofPolicies = append(ofPolicies, problem{"policies", p.FullName(), p.Error})
		for line := range strings.SplitSeq(p.Error, "; ") {
			said[line] = true
		}
		said[p.Error] = true
	}
	for _, a := range choose(v.automations, Failing, "") {
		lines := slices.DeleteFunc(strings.Split(a.Error, "\n"), func(line string) bool { return said[line] })
		for _, line := range lines {
			said[line] = true
		}
		if len(lines) > 0 {
			problems = append(problems, problem{"automations", a.FullName(), strings.Join(lines, "\n")})
		}
	}
	problems = append(problems, ofPolicies...)
	for _, f := range v.Findings {
		place := f.Path + ":" + strconv.Itoa(f.Line)
		if f.Severity == pinsetter.Error && !said[place+": "+f.Message] {
			problems = append(problems, problem{"", place, f.Message})
		}
	}
	return problems
}

// choice is a state to filter a list by.
type choice struct {
	State   State // "": all
	Count   int
	Address string
	Chosen  bool
}

// listing is the body of a list.
type listing[R any] struct {
	list[R]
	Choices []choice
}

// listed returns a function that shows a list of rows with states.
func listed[R row](title, name string, rows func(*view) []R) func(*view, *http.Request) (string, sheet, error) {
	return func(v *view, r *http.Request) (string, sheet, error) {
		f, err := parseFilter(r.URL.Query())
		if err != nil {
			return "", sheet{}, &badRequest{err}
		}
		path := "/" + name
		all := choose(rows(v), "", f.query)
		body := listing[R]{paged(choose(all, f.state, ""), path, f), choices(path, f, tally(all), len(all))}
		return name, sheet{Title: title, Nav: path, Search: path, Query: f.query, State: f.state, Body: body}, nil
	}
}

func choices(path string, f filter, by map[State]int, total int) []choice {
	all := []choice{{Count: total}}
	for _, state := range states {
		if by[state] > 0 || state == f.state {
			all = append(all, choice{State: state, Count: by[state]})
		}
	}
	for i, c := range all {
		all[i].Address = address(path, filter{query: f.query, state: c.State})
		all[i].Chosen = c.State == f.state
	}
	return all
}

func (s *Server) showHeld(v *view, r *http.Request) (string, sheet, error) {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		return "", sheet{}, &badRequest{err}
	}
	body := paged(choose(v.held, "", f.query), "/held", f)
	return "held", sheet{Title: "Held", Nav: "/held", Search: "/held", Query: f.query, Body: body}, nil
}

// runList is a list of runs, or the reason why there is none.
type runList struct {
	list[runRow]
	Why string
}

func (s *Server) showHistory(v *view, r *http.Request) (string, sheet, error) {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		return "", sheet{}, &badRequest{err}
	}
	body := s.past(v, r, store.Filter{Limit: maxRuns}, f)
	return "history", sheet{Title: "History", Nav: "/history", Search: "/history", Query: f.query, Body: body}, nil
}

// past reads runs. A failure to read them is part of the page, not an error of
// it.
func (s *Server) past(v *view, r *http.Request, wanted store.Filter, f filter) runList {
	runs, err := s.o.Source.History(r.Context(), wanted)
	if err != nil {
		return runList{Why: err.Error()}
	}
	return runList{list: paged(choose(v.runRows(runs), "", f.query), "/history", f)}
}

// automationSheet is the body of an automation's page.
type automationSheet struct {
	automationRow
	Sites []heldRow // the first held ones
	Past  runList
}

func (s *Server) showAutomation(v *view, r *http.Request) (string, sheet, error) {
	name := nameOf(r).String()
	i := slices.IndexFunc(v.automations, func(row automationRow) bool { return row.FullName() == name })
	if i < 0 {
		return "", sheet{}, ErrUnknown
	}
	sites := slices.DeleteFunc(slices.Clone(v.held), func(row heldRow) bool { return row.Automation != name })
	body := automationSheet{v.automations[i], upTo(perPage, sites), s.past(v, r, store.Filter{Automation: name, Limit: glanceRuns}, filter{page: 1})}
	return "automation", sheet{Title: name, Nav: "/automations", Body: body}, nil
}

// policySheet is the body of a policy's page.
type policySheet struct {
	policyRow
	Explanation *Explanation // nil: see Why
	Why         string
	Tags        list[pinsetter.Verdict]
	Past        runList
}

func (s *Server) showPolicy(v *view, r *http.Request) (string, sheet, error) {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		return "", sheet{}, &badRequest{err}
	}
	name := nameOf(r).String()
	i := slices.IndexFunc(v.policies, func(row policyRow) bool { return row.FullName() == name })
	if i < 0 {
		return "", sheet{}, ErrUnknown
	}
	body := policySheet{policyRow: v.policies[i], Past: s.past(v, r, store.Filter{Policy: name, Limit: glanceRuns}, filter{page: 1})}
	if body.Explanation, err = s.explain(r); err != nil {
		body.Why = err.Error()
	} else {
		body.Tags = paged(body.Explanation.Tags, link("policies", name), f)
	}
	return "policy", sheet{Title: name, Nav: "/policies", Body: body}, nil
}
