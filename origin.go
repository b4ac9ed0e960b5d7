package pinsetter

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Origin is where a URL leads: its scheme, host and port, as "https://host:443".
// Equal origins are one place, and a credential that was given for one is for no
// other. "" is the origin of a URL without a host, and equals no place.
type Origin string

// ports are what URLs without a port mean.
var ports = map[string]string{"http": "80", "https": "443", "ssh": "22"}

// OriginOf returns the origin of a URL. Scheme and host count in any case, a
// host with or without the dot of the DNS root, an IP address in any spelling,
// and a port written out or not. Only ASCII is folded: Unicode's rules would
// make one of names that DNS keeps apart.
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

// SameOrigin reports whether two URLs lead to one origin.
func SameOrigin(a, b *url.URL) bool { return OriginOf(a) != "" && OriginOf(a) == OriginOf(b) }

// Lends reports whether what was given for o may be sent to another origin. It
// may to o itself, and from http to https of the same host at their usual
// ports: that is how servers turn clients away from plain http, over which it
// was sent already.
func (o Origin) Lends(to Origin) bool {
	if o == "" {
		return false
	}
	host, plain := strings.CutPrefix(string(o), "http://")
	host, usual := strings.CutSuffix(host, ":80")
	return o == to || plain && usual && string(to) == "https://"+host+":443"
}

// Secure reports whether what is sent to the origin is encrypted on its way.
func (o Origin) Secure() bool { return strings.HasPrefix(string(o), "https://") }

// lower returns text with the capitals of ASCII made small.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, text)
}
