package login

import "net/netip"

// spellings returns the address and, if it is an IPv6 address that wraps an
// IPv4 address, that one as well. If the prefix doesn't determine the position
// of the IPv4 address, it returns all possible ones.
func spellings(addr netip.Addr) []netip.Addr {
	addr = addr.WithZone("").Unmap()
	found := []netip.Addr{addr}
	if addr.Is4() || addr.IsLoopback() {
		return found
	}
	bytes := addr.As16()
	at := func(positions ...int) {
		var four [4]byte
		for i, position := range positions {
			four[i] = bytes[position]
		}
		found = append(found, netip.AddrFrom4(four))
	}
	for _, wrap := range wraps {
		if wrap.prefix.Contains(addr) {
			at(wrap.bytes[:]...)
		}
	}
	switch {
	case localNAT64.Contains(addr):
		for _, positions := range localPositions {
			if bytes[positions[0]] != 0 { // not its position: 0.0.0.0/8 has no hosts
				at(positions[:]...)
			}
		}
	case teredo.Contains(addr):
		found = append(found, netip.AddrFrom4([4]byte{^bytes[12], ^bytes[13], ^bytes[14], ^bytes[15]}))
	case isISATAP(bytes):
		at(12, 13, 14, 15)
	}
	return found
}

// wraps are the IPv6 prefixes that embed an IPv4 address, with the positions of
// its bytes.
var wraps = []struct {
	prefix netip.Prefix
	bytes  [4]int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), [4]int{12, 13, 14, 15}},    // NAT64, RFC 6052 section 2.1
	{netip.MustParsePrefix("::/96"), [4]int{12, 13, 14, 15}},           // compatible, RFC 4291 section 2.5.5.1
	{netip.MustParsePrefix("::ffff:0:0:0/96"), [4]int{12, 13, 14, 15}}, // translated, RFC 2765 section 2.1
	{netip.MustParsePrefix("2002::/16"), [4]int{2, 3, 4, 5}},           // 6to4, RFC 3056 section 2
	{netip.MustParsePrefix("2001::/32"), [4]int{4, 5, 6, 7}},           // Teredo's server, RFC 4380 section 4
}

// localNAT64 is for a network's own NAT64, RFC 8215. Its operator chooses a
// prefix in it, whose length determines the position of the address: RFC 6052
// section 2.2, for lengths 48, 56, 64 and 96.
var (
	localNAT64     = netip.MustParsePrefix("64:ff9b:1::/48")
	localPositions = [][4]int{{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}}
)

// teredo addresses have the client's address, inverted, in their last four
// bytes.
var teredo = netip.MustParsePrefix("2001::/32")

// isISATAP reports whether an address embeds an IPv4 address behind "0:5efe",
// RFC 5214 section 6.1.
func isISATAP(bytes [16]byte) bool {
	return bytes[8]&^2 == 0 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe
}
