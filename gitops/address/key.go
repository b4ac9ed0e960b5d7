// Package address reads the URLs of Git repositories: the key that all forms of
// a URL share, the path that is sent, and whether two sources are reached
// alike. It connects to nothing.
package address

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// scpLike is "[user@]host:path", as git-clone(1) has it under "GIT URLS". A
// single letter before the colon is a drive of Windows.
var scpLike = regexp.MustCompile(`^(?:[^/@:\s]+@)?(\[[0-9A-Fa-f:.]+\]|[^/@:\s\[\]]{2,}):([^:\s].*)$`)

// sshAliases are the hosts on which forges answer ssh over port 443.
var sshAliases = map[string]string{
	"ssh.github.com":       "github.com",
	"altssh.gitlab.com":    "gitlab.com",
	"altssh.bitbucket.org": "bitbucket.org",
}

// Key returns the name that all forms of a repository's URL share: host in
// lower case, port unless it is the scheme's own, and path; without scheme,
// user and ".git". The scp-like form "git@host:path" is read as well.
//
// The key identifies a repository for those who write to it and record facts
// about it. To fetch and push, compare with [SameSession].
func Key(address string) (string, error) {
	u, err := Parse(address)
	if err != nil {
		return "", fmt.Errorf("read URL of a Git repository: %w", err)
	}
	return keyHost(u) + keyPath(u), nil
}

// FormerKey returns the key that versions before ports were part of keys gave a
// repository, "" for a URL that has none. Facts of that time are recorded under
// it.
func FormerKey(address string) string {
	u, err := Parse(address)
	if err != nil {
		return ""
	}
	host, _ := withoutAlias(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
	return host + keyPath(u)
}

// keyHost is the host of a key, with its port unless that is the scheme's own.
// An IP address has one spelling, in brackets if it has colons.
func keyHost(u *url.URL) string {
	if u.Scheme == "file" {
		return "" // this machine, even if it is named
	}
	host, aliased := withoutAlias(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")))
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := portOf(u)
	if port == "" || port == defaultPorts[u.Scheme] || aliased && port == "443" {
		return host
	}
	return host + ":" + port
}

// withoutAlias returns the host that a forge has for everything else than ssh over
// port 443, and whether it is another one.
func withoutAlias(host string) (string, bool) {
	alias, ok := sshAliases[host]
	return cmp.Or(alias, host), ok
}

// keyPath is the path of a key.
func keyPath(u *url.URL) string {
	repository := path.Clean("/" + u.Path)
	if trimmed := strings.TrimSuffix(repository, ".git"); !strings.HasSuffix(trimmed, "/") {
		return trimmed
	}
	return repository
}

// defaultPorts are the ports of URLs that name none.
var defaultPorts = map[string]string{"ssh": "22", "http": "80", "https": "443", "git": "9418"}

// portOf returns the port of a URL as a number without leading zeros, "" if it
// has none.
func portOf(u *url.URL) string {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return ""
}

// Parse reads the URL of a repository. Its errors show no part that may be a
// password.
func Parse(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		return parseSCP(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		var detail *url.Error
		if errors.As(err, &detail) {
			err = detail.Err // without the URL
		}
		if strings.Contains(address, "@") {
			err = errors.New("not a URL")
		}
		return nil, err
	}
	u.Scheme = strings.ToLower(u.Scheme)
	switch {
	case u.Scheme != "file" && u.Hostname() == "":
		return nil, fmt.Errorf("%q has no host", Redacted(u))
	case path.Clean("/"+u.Path) == "/":
		return nil, fmt.Errorf("%q has no path", Redacted(u))
	case u.Port() != "" && !validPort(u.Port()):
		return nil, fmt.Errorf("%q has no valid port", Redacted(u))
	}
	return u, nil
}

func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// parseSCP reads the scp-like form.
func parseSCP(address string) (*url.URL, error) {
	match := scpLike.FindStringSubmatch(address)
	if match == nil {
		return nil, errors.New("not a URL: give scheme://host/path")
	}
	u := &url.URL{Scheme: "ssh", Host: match[1], Path: match[2]}
	if user, _, found := strings.Cut(address[:len(address)-len(match[2])], "@"); found {
		u.User = url.User(user)
	}
	if path.Clean("/"+u.Path) == "/" {
		return nil, errors.New("not a URL: it has no path")
	}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path
	}
	return u, nil
}

// Redacted returns u without user and password.
func Redacted(u *url.URL) *url.URL {
	public := *u
	public.User, public.RawQuery, public.Fragment = nil, "", ""
	return &public
}

// Path returns the path of a URL in the form that git sends: of two slashes
// before "info/refs" one goes, and "/~" is somebody's home
// (str_end_url_with_slash in git's url.c, parse_connect_url in connect.c).
func Path(u *url.URL) string {
	switch u.Scheme {
	case "http", "https":
		return strings.TrimSuffix(u.EscapedPath(), "/")
	case "ssh":
		if strings.HasPrefix(u.Path, "/~") {
			return u.Path[1:]
		}
	}
	return u.Path
}
