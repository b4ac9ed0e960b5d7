package parts

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

func (g *GitHub) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch path := r.URL.Path; {
	case strings.Contains(path, "/rules/branches/"):
		g.serveNamed(w, "GET /repos/{owner}/{repo}/rules/branches/{branch}", func(w http.ResponseWriter) { g.serveRules(w, r) })
	case strings.HasPrefix(path, "/api/v3/"):
		g.serveAPI(w, r)
	case path == "/api/graphql":
		g.serveNamed(w, "POST /graphql", func(w http.ResponseWriter) { g.serveGraphQL(w, r) })
	default:
		g.serveGit(w, r)
	}
}

// serveNamed serves a request, or its fault.
func (g *GitHub) serveNamed(w http.ResponseWriter, name string, serve func(http.ResponseWriter)) {
	f := g.fault(name)
	if f != nil && f.Meanwhile != nil {
		g.mu.Unlock()
		f.Meanwhile()
		g.mu.Lock()
	}
	if f == nil || f.Meanwhile != nil {
		serve(w)
		return
	}
	if f.Done {
		serve(httptest.NewRecorder())
	}
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	for key, value := range f.Header {
		w.Header().Set(key, value)
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
}

// call is a request to the API.
type call struct {
	*operation
	github     *GitHub
	http       *http.Request
	who        *githubToken
	repository *GitHubRepository // nil if the path names none
}

// reply is a JSON answer.
type reply struct {
	status int
	body   any
}

// object is a JSON object.
type object = map[string]any

func refuse(status int, message string, errs ...any) reply {
	body := object{"message": message, "documentation_url": "https://docs.github.com/rest"}
	if len(errs) > 0 {
		body["errors"] = errs
	}
	return reply{status, body}
}

// into parses the request's body.
func (c *call) into(out any) {
	if err := json.Unmarshal(c.request, out); err != nil {
		c.github.wrong = append(c.github.wrong, c.name+": "+err.Error())
	}
}

// number returns a number in the path.
func (c *call) number(name string) int {
	n, _ := strconv.Atoi(c.params[name])
	return n
}

func (g *GitHub) serveAPI(w http.ResponseWriter, r *http.Request) {
	if g.redirect(w, r) {
		return
	}
	within := r.Clone(r.Context())
	within.URL.Path, within.URL.RawPath = strings.TrimPrefix(g.byID(r.URL.Path), "/api/v3"), ""
	o, err := g.description.find(within)
	if err != nil {
		g.wrong = append(g.wrong, fmt.Sprintf("%s %s: %v", r.Method, r.URL, err))
		w.WriteHeader(http.StatusTeapot)
		return
	}
	g.serveNamed(w, o.name, func(w http.ResponseWriter) { g.answer(w, r, o) })
}

func (g *GitHub) answer(w http.ResponseWriter, r *http.Request, o *operation) {
	c := &call{operation: o, github: g, http: r}
	re, admitted := c.admit(w.Header())
	if admitted {
		re = operations[o.name].run(c)
	}
	data, err := o.answer(re.status, re.body)
	if err != nil {
		g.wrong = append(g.wrong, fmt.Sprintf("%s: answer %d: %v", o.name, re.status, err))
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", "4999")
	// GitHub's ETags depend on the answer and the sender, and answers to all
	// methods have them.
	etag := fmt.Sprintf(`W/"%x"`, sha256.Sum256([]byte(r.Header.Get("Authorization")+string(data))))
	w.Header().Set("ETag", etag)
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.WriteHeader(re.status)
	_, _ = w.Write(data)
}

// redirect redirects a request to a repository's former address. It returns
// false if there is none.
func (g *GitHub) redirect(w http.ResponseWriter, r *http.Request) bool {
	owner, name, rest := repositoryOf(r.URL.Path)
	repository := g.moved(owner + "/" + name)
	if repository == nil {
		return false
	}
	to := fmt.Sprintf("%s/api/v3/repositories/%d%s", g.URL, repository.id, rest)
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusMovedPermanently)
	return true
}

// moved returns the repository that had a name, or nil.
func (g *GitHub) moved(name string) *GitHubRepository {
	for _, r := range g.repositories {
		if slices.Contains(r.before, name) {
			return r
		}
	}
	return nil
}

// byID returns the path of a repository for one with its ID.
func (g *GitHub) byID(path string) string {
	id, rest, _ := strings.Cut(strings.TrimPrefix(path, "/api/v3/repositories/"), "/")
	for _, repository := range g.repositories {
		if strings.HasPrefix(path, "/api/v3/repositories/") && strconv.Itoa(repository.id) == id {
			return strings.TrimSuffix("/api/v3/repos/"+repository.Name+"/"+rest, "/")
		}
	}
	return path
}

// repositoryOf returns the repository in a path, and the rest.
func repositoryOf(path string) (owner, name, rest string) {
	path, found := strings.CutPrefix(path, "/api/v3/repos/")
	if !found {
		return "", "", ""
	}
	owner, path, _ = strings.Cut(path, "/")
	name, rest, found = strings.Cut(path, "/")
	if found {
		rest = "/" + rest
	}
	return owner, name, rest
}
