package login

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// CheckHost checks the host of a URL, with or without port, before a proxy is
// asked for it. It refuses a refused address in any spelling that some resolver
// reads as one, and the names of metadata services. Other names pass; the
// Dialer checks them after resolution.
func (d Dialer) CheckHost(host string) error {
	host = bare(host)
	if slices.Contains(metadataNames, host) {
		return fmt.Errorf("%w: %s is a cloud metadata service, to which nothing here ever connects", ErrRefusedAddress, host)
	}
	for _, addr := range parseHost(host) {
		if err := d.Check(addr); err != nil {
			return err
		}
	}
	return nil
}

// metadataNames are the clouds' names for their metadata services. Without a
// proxy, the Dialer refuses their addresses anyway.
//
// Google: https://cloud.google.com/compute/docs/metadata/querying-metadata.
// AWS: its resolver's name for 169.254.169.254. IBM:
// https://cloud.ibm.com/docs/vpc?topic=vpc-imd-about. Tencent:
// https://www.tencentcloud.com/document/product/213/4934.
var metadataNames = []string{
	"metadata.google.internal", "metadata.goog", "metadata",
	"instance-data", "instance-data.ec2.internal",
	"api.metadata.cloud.ibm.com",
	"metadata.tencentyun.com",
}

// bare returns a host in lower case, without port, brackets and the trailing
// dot.
func bare(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// parseHost parses an address in all ways that a proxy may: as netip does, with
// a zone escaped as in a URL, or as inet_aton does, from one to four numbers
// that may be octal or hexadecimal. Numbers with a leading 0 have two readings.
// For a name it returns nil.
func parseHost(host string) []netip.Addr {
	if plain, err := url.PathUnescape(host); err == nil {
		host = plain
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}
	}
	var found []netip.Addr
	for _, base := range []int{0, 10} {
		if addr, ok := parseNumbers(strings.Split(host, "."), base); ok {
			found = append(found, addr)
		}
	}
	return found
}

// parseNumbers parses an IPv4 address of one to four numbers. The last one
// fills the remaining bytes.
func parseNumbers(parts []string, base int) (netip.Addr, bool) {
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var whole uint64
	for i, part := range parts {
		bits := 8
		if i == len(parts)-1 {
			bits = 32 - 8*i
		}
		number, err := strconv.ParseUint(part, base, bits)
		if err != nil {
			return netip.Addr{}, false
		}
		whole = whole<<bits | number
	}
	return netip.AddrFrom4([4]byte{byte(whole >> 24), byte(whole >> 16), byte(whole >> 8), byte(whole)}), true
}
