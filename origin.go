package pinsetter

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Origin is the scheme, host and port of a URL, as "https://host:443". Equal
// origins are the same place, and a credential for one is for no other. "" is
// the origin of a URL without a host, and is no place.
type Origin string

// ports are the default ports of schemes.
var ports = map[string]string{"http": "80", "https": "443", "ssh": "22"}

// OriginOf returns the origin of a URL. It ignores the case of scheme and host,
// the trailing dot of a host, the spelling of an IP address, and whether a
// default port is written. It folds only ASCII: Unicode's rules would equate
// names that differ in DNS.
func OriginOf(u *url.URL) Origin {
	host := strings.TrimSuffix(lower(u.Hostname()), ".")
	if host == "" {
		return ""
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		host = addr.String()
	}
	scheme, port := lower(u.Scheme), strings.TrimLeft(u.Port(), "0")
	if port == "" {
		port = ports[scheme]
	}
	return Origin(scheme + "://" + net.JoinHostPort(host, port))
}

// SameOrigin reports whether two URLs have the same origin.
func SameOrigin(a, b *url.URL) bool { return OriginOf(a) != "" && OriginOf(a) == OriginOf(b) }

// Lends reports whether something that was given for o may be sent to another
// origin. It may be sent to o itself, and from http to https of the same host
// at the default ports: servers redirect clients that way, and it was sent over
// plain http already.
func (o Origin) Lends(to Origin) bool {
	if o == "" {
		return false
	}
	host, plain := strings.CutPrefix(string(o), "http://")
	host, usual := strings.CutSuffix(host, ":80")
	return o == to || plain && usual && string(to) == "https://"+host+":443"
}

// Secure reports whether the connection to the origin is encrypted.
func (o Origin) Secure() bool { return strings.HasPrefix(string(o), "https://") }

// lower returns text with ASCII capitals in lower case.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, text)
}
