package login

import (
	"net/netip"
	"strings"
	"testing"
)

// FuzzCheckHost: a host that is an address, in any spelling with port, brackets and
// zone, is refused if and only if the address is.
func FuzzCheckHost(f *testing.F) {
	f.Add("[fe80::1%25lo]:443")
	f.Add("0251.0376.0251.0376")
	f.Add("2852039166")
	f.Add("[::ffff:169.254.169.254]")
	f.Add("metadata.google.internal.")
	f.Fuzz(func(t *testing.T, host string) {
		err := Dialer{}.CheckHost(host)
		addr, notAddr := netip.ParseAddr(strings.TrimSuffix(strings.ToLower(host), "."))
		if notAddr == nil && (err != nil) != (Dialer{}.Check(addr) != nil) {
			t.Errorf("%q: %v", host, err)
		}
	})
}
