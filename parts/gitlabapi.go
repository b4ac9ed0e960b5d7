package parts

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// gitlabCall is a request to the API with a valid token, and the project that
// its path names, if any.
type gitlabCall struct {
	*GitLab
	*http.Request
	user    *gitlabUser
	project *GitLabProject
	header  http.Header // of the answer
}

// gitlabError is an answer that isn't a success.
type gitlabError struct {
	status int
	body   any
}

func gitlabRefuse(status int, message any) *gitlabError {
	return &gitlabError{status, map[string]any{"message": message}}
}

// gitlabRoute is a documented path.
type gitlabRoute struct {
	pattern string
	query   string // allowed parameters
	role    int    // required in the project; 0: the path has no project
	serve   func(*gitlabCall) (any, *gitlabError)
}

const gitlabPages = "page per_page "

var gitlabRoutes = []gitlabRoute{
	{"GET /users", gitlabPages + "username", 0, (*gitlabCall).listUsers},
	{"GET /projects/{id}", "", GitLabReporter, (*gitlabCall).getProject},
	{"GET /projects/{id}/repository/branches/{branch}", "", GitLabReporter, (*gitlabCall).getBranch},
	{"GET /projects/{id}/repository/commits/{sha}/statuses", gitlabPages, GitLabReporter, (*gitlabCall).listStatuses},
	{"GET /projects/{id}/merge_requests", gitlabPages + "state source_branch target_branch order_by sort", GitLabReporter, (*gitlabCall).listMerges},
	{"POST /projects/{id}/merge_requests", "", GitLabDeveloper, (*gitlabCall).createMerge},
	{"GET /projects/{id}/merge_requests/{iid}", "", GitLabReporter, (*gitlabCall).getMerge},
	{"PUT /projects/{id}/merge_requests/{iid}", "", GitLabDeveloper, (*gitlabCall).updateMerge},
	{"PUT /projects/{id}/merge_requests/{iid}/merge", "", GitLabReporter, (*gitlabCall).acceptMerge},
	{"POST /projects/{id}/merge_requests/{iid}/cancel_merge_when_pipeline_succeeds", "", GitLabReporter, (*gitlabCall).cancelMerge},
	{"POST /projects/{id}/merge_requests/{iid}/approve", "", GitLabDeveloper, (*gitlabCall).approveMerge},
	{"GET /projects/{id}/merge_requests/{iid}/commits", gitlabPages, GitLabReporter, (*gitlabCall).listCommits},
	{"GET /projects/{id}/merge_requests/{iid}/notes", gitlabPages, GitLabReporter, (*gitlabCall).listNotes},
	{"POST /projects/{id}/merge_requests/{iid}/notes", "", GitLabReporter, (*gitlabCall).createNote},
}

// api serves a route.
func (g *GitLab) api(route gitlabRoute) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := g.fault(r)
		if f.Before != nil {
			f.Before()
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if f.Status != 0 {
			f.answer(w)
			return
		}
		c := &gitlabCall{GitLab: g, Request: r, header: w.Header()}
		if moved := c.moved(); moved != "" && r.Method == http.MethodGet {
			http.Redirect(w, r, moved, http.StatusMovedPermanently)
			return
		}
		c.known(strings.Fields(route.query))
		var out any
		refused := c.admit(route.role)
		if refused == nil {
			out, refused = route.serve(c)
		}
		c.answer(w, out, refused)
	}
}

// unknown answers an undocumented request.
func (g *GitLab) unknown(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong = append(g.wrong, "unknown: "+r.Method+" "+r.URL.String())
	http.Error(w, `{"error":"404 Not Found"}`, http.StatusNotFound)
}

// fault removes and returns the fault for a request.
func (g *GitLab) fault(r *http.Request) GitLabFault {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, f := range g.faults {
		if f.Method == r.Method && strings.Contains(r.URL.EscapedPath(), f.Path) {
			g.faults = slices.Delete(g.faults, i, i+1)
			return f
		}
	}
	return GitLabFault{}
}

func (f GitLabFault) answer(w http.ResponseWriter) {
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body)
}

// moved returns the new address for a request to a project's old path.
func (c *gitlabCall) moved() string {
	id := c.PathValue("id")
	i := slices.IndexFunc(c.projects, func(p *GitLabProject) bool { return slices.Contains(p.old, id) })
	if i < 0 {
		return ""
	}
	segments := strings.Split(c.URL.EscapedPath(), "/") // "", "api", "v4", "projects", the path
	segments[4] = strconv.Itoa(c.projects[i].ID)
	return c.Front.URL + strings.Join(segments, "/") + "?" + c.URL.RawQuery
}

// admit identifies the sender and the project.
func (c *gitlabCall) admit(role int) *gitlabError {
	secret := c.Header.Get("PRIVATE-TOKEN")
	if bearer, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer "); found {
		secret = bearer
	}
	token, found := c.tokens[secret]
	switch {
	case !found, token.scope == "job":
		return gitlabRefuse(http.StatusUnauthorized, "401 Unauthorized")
	case token.scope == "read_api" && c.Method != http.MethodGet:
		return &gitlabError{http.StatusForbidden, map[string]any{
			"error":             "insufficient_scope",
			"error_description": "The request requires higher privileges than provided by the access token.",
			"scope":             "api",
		}}
	}
	c.user = token.user
	if role == 0 {
		return nil
	}
	if c.moved() != "" {
		return gitlabRefuse(http.StatusMethodNotAllowed, "Non GET methods are not allowed for moved projects")
	}
	c.project = c.find(c.PathValue("id"))
	has := 0
	if c.project != nil {
		has = c.project.members[c.user.name]
	}
	switch {
	case has == 0:
		return gitlabRefuse(http.StatusNotFound, "404 Project Not Found")
	case has < role, c.project.archived && c.Method != http.MethodGet:
		return gitlabRefuse(http.StatusForbidden, "403 Forbidden")
	}
	return nil
}

// find returns a project by its number or path, or nil.
func (g *GitLab) find(id string) *GitLabProject {
	for _, p := range g.projects {
		if strings.EqualFold(p.Name, id) || strconv.Itoa(p.ID) == id {
			return p
		}
	}
	return nil
}

// known records undocumented parameters.
func (c *gitlabCall) known(query []string) {
	for name := range c.URL.Query() {
		if !slices.Contains(query, name) {
			c.wrong = append(c.wrong, fmt.Sprintf("unknown parameter %q: %s %s", name, c.Method, c.URL))
		}
	}
}

// decode parses a JSON body that may have only the fields of into.
func (c *gitlabCall) decode(into any) *gitlabError {
	body, err := io.ReadAll(c.Body)
	if err == nil && len(body) > 0 {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		err = d.Decode(into)
		if kind := c.Header.Get("Content-Type"); kind != "application/json" {
			err = fmt.Errorf("Content-Type %q", kind)
		}
	}
	if err != nil {
		c.wrong = append(c.wrong, fmt.Sprintf("%s %s: %v", c.Method, c.URL, err))
		return &gitlabError{http.StatusBadRequest, map[string]any{"error": err.Error()}}
	}
	return nil
}

// answer sends JSON, with a weak ETag like that of Rails.
func (c *gitlabCall) answer(w http.ResponseWriter, out any, refused *gitlabError) {
	status := http.StatusOK
	if c.Method == http.MethodPost {
		status = http.StatusCreated
	}
	if refused != nil {
		status, out = refused.status, refused.body
	}
	body, err := json.Marshal(out)
	if err != nil {
		c.wrong = append(c.wrong, err.Error())
	}
	c.header.Set("Content-Type", "application/json")
	c.header.Set("Date", c.now().UTC().Format(http.TimeFormat))
	if refused == nil {
		c.header.Set("ETag", fmt.Sprintf(`W/"%x"`, sha256.Sum256(body)))
		if c.Method == http.MethodGet && c.Header.Get("If-None-Match") == c.header.Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// gitlabPage returns the requested page of a list.
func gitlabPage[E any](c *gitlabCall, all []E) []E {
	number, size := 1, 20
	if n, err := strconv.Atoi(c.URL.Query().Get("page")); err == nil {
		number = max(n, 1)
	}
	if n, err := strconv.Atoi(c.URL.Query().Get("per_page")); err == nil {
		size = min(max(n, 1), 100)
	}
	from, to := min((number-1)*size, len(all)), min(number*size, len(all))
	c.header.Set("X-Page", strconv.Itoa(number))
	c.header.Set("X-Per-Page", strconv.Itoa(size))
	c.header.Set("X-Next-Page", "")
	if to < len(all) {
		c.header.Set("X-Next-Page", strconv.Itoa(number+1))
	}
	return append([]E{}, all[from:to]...)
}
