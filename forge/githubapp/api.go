package githubapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// API holds the addresses of a GitHub's two APIs.
type API struct {
	REST  *url.URL // with a final slash
	Graph *url.URL
}

// APIOf returns the APIs of the GitHub with this web address: github.com, a
// tenant of ghe.com, or an Enterprise Server.
func APIOf(web *url.URL) API {
	if web.Host == "github.com" || strings.HasSuffix(web.Host, ".ghe.com") {
		host := &url.URL{Scheme: web.Scheme, Host: "api." + web.Host, Path: "/"}
		return API{REST: host, Graph: host.JoinPath("graphql")}
	}
	return API{REST: web.JoinPath("api", "v3", "/"), Graph: web.JoinPath("api", "graphql")}
}

// Plain reports whether a name of an owner or repository is one that GitHub
// allows.
func Plain(name string) bool {
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// client sends requests as an app.
type client struct {
	rest *url.URL
	http *http.Client
}

// do sends a request with a body in JSON, nil: none, and reads the answer into out.
func (c client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.rest.JoinPath(path).String(), body)
	if err != nil {
		return err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/vnd.github+json")
	request.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(out); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
