package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

// Numbers of runs in an answer. A run may have 10,000 changes of 250 bytes.
const (
	someRuns = 50
	maxRuns  = 200
)

// overview is the answer of /api/v1/status.
type overview struct {
	Version string    `json:"version,omitempty"`
	At      time.Time `json:"at"`
	counts
	Findings []pinsetter.Finding `json:"findings"`
}

// routeAPI adds the content of the pages as JSON. Lists are complete; ?q= and
// ?state= filter them as on a page.
func (s *Server) routeAPI(mux *http.ServeMux) {
	get := func(path string, answer func(v *view, r *http.Request) (any, error)) {
		mux.HandleFunc("GET /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
			v := s.viewer.now()
			if v == nil {
				writeJSON(w, http.StatusServiceUnavailable, failure{errNotLoaded.Error()})
				return
			}
			value, err := answer(v, r)
			if err != nil {
				writeJSON(w, statusOf(err), failure{err.Error()})
				return
			}
			writeJSON(w, http.StatusOK, value)
		})
	}
	get("status", func(v *view, _ *http.Request) (any, error) {
		return overview{s.o.Version, v.At, v.counts, nonNil(v.Findings)}, nil
	})
	get("automations", filtered(func(v *view) []automationRow { return v.automations }))
	get("policies", filtered(func(v *view) []policyRow { return v.policies }))
	get("held", filtered(func(v *view) []heldRow { return v.held }))
	get("policies/{namespace}/{name}", func(_ *view, r *http.Request) (any, error) { return s.explain(r) })
	get("history", func(_ *view, r *http.Request) (any, error) { return s.history(r) })
	mux.HandleFunc("GET /api/", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusNotFound, failure{"no such address"})
	})
}

// filtered returns a handler for the rows that pass a request's filter.
func filtered[R row](rows func(*view) []R) func(*view, *http.Request) (any, error) {
	return func(v *view, r *http.Request) (any, error) {
		f, err := parseFilter(r.URL.Query())
		if err != nil {
			return nil, &badRequest{err}
		}
		return choose(rows(v), f.state, f.query), nil
	}
}

// history returns the runs that ?automation=, ?policy= and ?limit= select.
func (s *Server) history(r *http.Request) ([]store.Run, error) {
	query := r.URL.Query()
	f := store.Filter{Automation: query.Get("automation"), Policy: query.Get("policy"), Limit: someRuns}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxRuns {
			return nil, &badRequest{fmt.Errorf("limit %q is no number from 1 to %d", text, maxRuns)}
		}
		f.Limit = limit
	}
	runs, err := s.o.Source.History(r.Context(), f)
	return nonNil(runs), err
}

func nonNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

var errNotLoaded = errors.New("the objects are not loaded yet: try again in a moment")

// badRequest is an error that the client must fix.
type badRequest struct{ error }

// statusOf returns the HTTP status of an error.
func statusOf(err error) int {
	var bad *badRequest
	switch {
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, ErrUnknown):
		return http.StatusNotFound
	case errors.Is(err, errBusy), errors.Is(err, errNotLoaded), errors.Is(err, store.ErrStateless):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// failure is the body of an error answer.
type failure struct {
	Error string `json:"error"`
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client may be gone
}
