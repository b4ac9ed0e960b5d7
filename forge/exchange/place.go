package exchange

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter/login"
)

// Place is the address of a repository at a forge.
type Place struct {
	Web  *url.URL // scheme and host, for people and APIs
	Path []string // decoded: two or more parts, the last without ".git"
}

// sshHosts maps the hosts that serve ssh at the port of https to their forges:
// https://docs.github.com/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
var sshHosts = map[string]string{"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}

// ParsePlace parses a Git URL. For ssh it returns the forge's web address:
// https at the default port.
func ParsePlace(address string) (Place, error) {
	u, err := parseAddress(address)
	if err != nil {
		return Place{}, err
	}
	p := Place{Web: &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}}
	switch u.Scheme {
	case "http", "https":
	case "ssh", "git+ssh", "ssh+git":
		p.Web.Scheme = "https"
		p.Web.Host = strings.ToLower(u.Hostname())
		if strings.Contains(p.Web.Host, ":") {
			p.Web.Host = "[" + p.Web.Host + "]"
		}
		if host := sshHosts[p.Web.Host]; host != "" {
			p.Web.Host = host
		}
	default:
		return Place{}, fmt.Errorf("the URL's scheme is %q: pull requests need https, http or ssh", u.Scheme)
	}
	p.Path = strings.Split(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git"), "/")
	if u.Hostname() == "" || len(p.Path) < 2 || slices.ContainsFunc(p.Path, unfit) {
		return Place{}, fmt.Errorf("the URL %s names no repository, such as https://HOST/OWNER/NAME", Clean(u.Redacted()))
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
func (p Place) String() string { return p.Web.JoinPath(p.Path...).String() }

// Confidential returns an error if a token could be read on its way.
func (p Place) Confidential() error {
	if p.Web.Scheme == "https" || login.Loopback(p.Web.Hostname()) {
		return nil
	}
	return fmt.Errorf("a token is sent over https only, and %s is not", p)
}
