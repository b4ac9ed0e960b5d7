package parts

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// serveCloudGit serves a repository under a cloud's host and path, to those whom
// admits lets in.
func serveCloudGit(c *Clouds, host, path string, r *Repository, admits func(*http.Request) bool) {
	target, err := url.Parse(r.URL)
	if err != nil {
		c.t.Fatalf("parse %s: %v", r.URL, err)
	}
	forward := &httputil.ReverseProxy{ErrorLog: quiet, Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host = target.Scheme, target.Host
		p.Out.URL.Path = target.Path + strings.TrimPrefix(p.In.URL.Path, path)
		p.Out.Header.Del("Authorization")
	}}
	c.Serve(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, path+"/"):
			http.NotFound(w, r)
		case !admits(r):
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "authentication required", http.StatusUnauthorized)
		default:
			forward.ServeHTTP(w, r)
		}
	}))
}

// ServeGit serves a repository as Azure DevOps does, at https://dev.azure.com
// and the path.
func (a *AzureCloud) ServeGit(path string, r *Repository) {
	serveCloudGit(a.clouds, "dev.azure.com", path, r, func(r *http.Request) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		return a.entra[token] == "499b84ac-1321-427f-aa17-267ca6975798"
	})
}

// ServeGit serves a repository as Secure Source Manager does.
func (g *GCP) ServeGit(host, path string, r *Repository) {
	serveCloudGit(g.clouds, host, path, r, func(r *http.Request) bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		_, token, ok := r.BasicAuth()
		return ok && time.Now().Before(g.tokens[token])
	})
}

// ServeGit serves a repository as CodeCommit of a region does. It verifies the
// signature in the password.
func (a *AWS) ServeGit(region, path string, r *Repository) {
	host := "git-codecommit." + region + ".amazonaws.com"
	serveCloudGit(a.clouds, host, path, r, func(r *http.Request) bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		user, password, _ := r.BasicAuth()
		id, session, _ := strings.Cut(user, "%")
		keys, known := a.keys[id]
		date, signature, _ := strings.Cut(password, "Z")
		at, err := time.Parse("20060102T150405", date)
		if !known || session != keys.Session || err != nil || a.now().Sub(at).Abs() > 15*time.Minute {
			return false
		}
		canonical := fmt.Sprintf("GIT\n%s\n\nhost:%s\n\nhost\n", path, host)
		return equal(signature, signV4(keys.Secret, date, region, "codecommit", date[:8]+"/"+region+"/codecommit/aws4_request", canonical))
	})
}
