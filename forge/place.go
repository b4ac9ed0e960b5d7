package forge

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/login"
)

// place is the address of a repository at a forge.
type place struct {
	web  *url.URL // scheme and host, for people and APIs
	path []string // decoded: two or more parts, the last without ".git"
}

// sshHosts maps the hosts that serve ssh at the port of https to their forges:
// https://docs.github.com/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
var sshHosts = map[string]string{"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}

// parsePlace parses a Git URL. For ssh it returns the forge's web address:
// https at the default port.
func parsePlace(address string) (place, error) {
	u, err := parseAddress(address)
	if err != nil {
		return place{}, err
	}
	p := place{web: &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}}
	switch u.Scheme {
	case "http", "https":
	case "ssh", "git+ssh", "ssh+git":
		p.web.Scheme = "https"
		p.web.Host = strings.ToLower(u.Hostname())
		if strings.Contains(p.web.Host, ":") {
			p.web.Host = "[" + p.web.Host + "]"
		}
		if host := sshHosts[p.web.Host]; host != "" {
			p.web.Host = host
		}
	default:
		return place{}, fmt.Errorf("the URL's scheme is %q: pull requests need https, http or ssh", u.Scheme)
	}
	p.path = strings.Split(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"), "/")
	if u.Hostname() == "" || len(p.path) < 2 || slices.ContainsFunc(p.path, unfit) {
		return place{}, fmt.Errorf("the URL %s names no repository, such as https://HOST/OWNER/NAME", clean(u.Redacted()))
	}
	return p, nil
}

func parseAddress(address string) (*url.URL, error) {
	if host, path, found := strings.Cut(address, ":"); found && !strings.Contains(host, "/") && !strings.HasPrefix(path, "//") {
		address = "ssh://" + host + "/" + strings.TrimPrefix(path, "/") // user@host:path
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("the URL can't be read") // the cause may hold a password
	}
	return u, nil
}

// unfit reports whether a part of a path would lead elsewhere.
func unfit(part string) bool {
	return part == "" || part == "." || part == ".." || strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// String returns the repository's web address.
func (p place) String() string { return p.web.JoinPath(p.path...).String() }

// confidential returns an error if a token could be read on its way.
func (p place) confidential() error {
	if p.web.Scheme == "https" || login.Loopback(p.web.Hostname()) {
		return nil
	}
	return fmt.Errorf("a token is sent over https only, and %s is not", p)
}
