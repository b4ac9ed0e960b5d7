package parts

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// handler is an operation of the double, and the permission with level that it
// needs, such as "contents:write". Operations of apps need none.
type handler struct {
	takes string
	run   func(*call) reply
}

// operations are the double's operations. The permissions are GitHub's
// documented ones for apps and fine-grained tokens:
// https://docs.github.com/rest/authentication/permissions-required-for-github-apps
var operations = map[string]handler{
	"GET /repos/{owner}/{repo}":                                          {"metadata:read", (*call).getRepository},
	"GET /repos/{owner}/{repo}/pulls":                                    {"pull_requests:read", (*call).listPulls},
	"POST /repos/{owner}/{repo}/pulls":                                   {"pull_requests:write", (*call).createPull},
	"GET /repos/{owner}/{repo}/pulls/{pull_number}":                      {"pull_requests:read", (*call).getPull},
	"PATCH /repos/{owner}/{repo}/pulls/{pull_number}":                    {"pull_requests:write", (*call).editPull},
	"PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge":                {"contents:write", (*call).mergePull},
	"GET /repos/{owner}/{repo}/pulls/{pull_number}/commits":              {"pull_requests:read", (*call).listPullCommits},
	"POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers": {"pull_requests:write", (*call).requestReviewers},
	"POST /repos/{owner}/{repo}/issues/{issue_number}/labels":            {"pull_requests:write", (*call).addLabels},
	"POST /repos/{owner}/{repo}/issues/{issue_number}/assignees":         {"pull_requests:write", (*call).addAssignees},
	"GET /repos/{owner}/{repo}/issues/{issue_number}/comments":           {"pull_requests:read", (*call).listComments},
	"POST /repos/{owner}/{repo}/issues/{issue_number}/comments":          {"pull_requests:write", (*call).createComment},
	"GET /repos/{owner}/{repo}/git/ref/{ref}":                            {"contents:read", onData(dataCall.getRef)},
	"POST /repos/{owner}/{repo}/git/refs":                                {"contents:write", onData(dataCall.createRef)},
	"PATCH /repos/{owner}/{repo}/git/refs/{ref}":                         {"contents:write", onData(dataCall.updateRef)},
	"GET /repos/{owner}/{repo}/git/commits/{commit_sha}":                 {"contents:read", onData(dataCall.getCommit)},
	"POST /repos/{owner}/{repo}/git/commits":                             {"contents:write", onData(dataCall.createCommit)},
	"POST /repos/{owner}/{repo}/git/trees":                               {"contents:write", onData(dataCall.createTree)},
	"POST /repos/{owner}/{repo}/git/blobs":                               {"contents:write", onData(dataCall.createBlob)},
	"GET /app/installations/{installation_id}":                           {"", (*call).getInstallation},
	"POST /app/installations/{installation_id}/access_tokens":            {"", (*call).createAccessToken},
	"GET /orgs/{org}/installation":                                       {"", (*call).findInstallation},
	"GET /users/{username}/installation":                                 {"", (*call).findInstallation},
}

// admit identifies the sender and checks the permission. If it is missing,
// admit returns the answer to send.
func (c *call) admit(header http.Header) (reply, bool) {
	takes := operations[c.name].takes
	if takes == "" {
		app, why := c.github.appOf(bearer(c.http))
		if app == nil {
			return refuse(http.StatusUnauthorized, why), false
		}
		c.who = &githubToken{app: app}
		return reply{}, true
	}
	c.who = c.github.tokens[bearer(c.http)]
	if c.who == nil || !c.who.until.IsZero() && !time.Now().Before(c.who.until) {
		return refuse(http.StatusUnauthorized, "Bad credentials"), false
	}
	if c.who.scopes != nil {
		header.Set("X-OAuth-Scopes", strings.Join(c.who.scopes, ", "))
	}
	c.repository = c.github.repository(c.params["owner"] + "/" + c.params["repo"])
	if c.repository == nil || !c.who.sees(c.repository) {
		return refuse(http.StatusNotFound, "Not Found"), false
	}
	permission, level, _ := strings.Cut(takes, ":")
	if !c.who.may(permission, level) {
		header.Set("X-Accepted-GitHub-Permissions", permission+"="+level)
		if c.who.app != nil {
			return refuse(http.StatusForbidden, "Resource not accessible by integration"), false
		}
		return refuse(http.StatusForbidden, "Resource not accessible by personal access token"), false
	}
	if c.repository.archived && level == "write" {
		return refuse(http.StatusForbidden, "Repository was archived so is read-only."), false
	}
	return reply{}, true
}

// bearer returns the token of a request, in the forms that GitHub accepts.
func bearer(r *http.Request) string {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "bearer") || strings.EqualFold(kind, "token") {
		return token
	}
	_, password, _ := r.BasicAuth()
	return password
}

// sees reports whether a token is for a repository. All repositories are
// private.
func (t *githubToken) sees(r *GitHubRepository) bool {
	if t.scopes != nil {
		return slices.Contains(t.scopes, "repo")
	}
	return slices.Contains(t.repositories, r)
}

// may reports whether a token has a permission.
func (t *githubToken) may(permission, level string) bool {
	if t.scopes != nil {
		return permission != "workflows" || slices.Contains(t.scopes, "workflow")
	}
	has := t.permissions[permission]
	return has == level || has == "write" && level == "read" || has == "admin" || permission == "metadata"
}

// serveGit serves Git over HTTP to senders who may read or write.
func (g *GitHub) serveGit(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	name, rest, found := strings.Cut(path, ".git/")
	if moved := g.moved(name); moved != nil {
		http.Redirect(w, r, "/"+moved.Name+".git/"+rest+"?"+r.URL.RawQuery, http.StatusMovedPermanently)
		return
	}
	repository := g.repository(name)
	who := g.tokens[bearer(r)]
	push := strings.HasSuffix(path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
	level := "read"
	if push {
		level = "write"
	}
	switch {
	case who == nil:
		w.Header().Set("WWW-Authenticate", `Basic realm="GitHub"`)
		http.Error(w, "Authentication required", http.StatusUnauthorized)
	case !found || repository == nil || !who.sees(repository):
		http.Error(w, "Repository not found.", http.StatusNotFound)
	case push && repository.archived:
		http.Error(w, "This repository was archived so it is read-only.", http.StatusForbidden)
	case !who.may("contents", level):
		http.Error(w, "Permission denied", http.StatusForbidden)
	default:
		g.git.serve(w, r)
	}
}
