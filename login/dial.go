package login

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrRefusedAddress is in the chain of every error for an address that the
// Dialer refuses. Retrying doesn't help.
var ErrRefusedAddress = errors.New("refused address")

// dialTimeout bounds one attempt to connect. The addresses of a name share it.
const dialTimeout = 15 * time.Second

// Dialer opens the connections of every client of this program. It checks an
// address after name resolution, immediately before connecting. So no name can
// lead to a refused address, whatever its DNS answers and however often the
// answer changes.
//
// It refuses unspecified, link-local and multicast addresses and those of cloud
// metadata services, also if they are written as IPv4 in IPv6. It allows
// loopback.
//
// It treats a proxy like any other host. The proxy resolves the names of its
// targets itself, out of the Dialer's sight. So behind a proxy, only the
// proxy's own rules protect internal addresses, except those written in a URL:
// CheckHost refuses these before the proxy is asked.
//
// The zero Dialer is ready for use, and safe for concurrent use.
type Dialer struct {
	// RefusePrivate also refuses loopback, private and shared address space. It
	// is for hosts that serve several tenants.
	RefusePrivate bool
}

// DialContext connects to the address, "host:port", on the network "tcp",
// "tcp4" or "tcp6". The error for a refused address wraps ErrRefusedAddress,
// and names the address and the reason.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: d.control}
	return dialer.DialContext(ctx, network, address)
}

// control checks the resolved address of a connection before it is made.
func (d Dialer) control(network, address string, _ syscall.RawConn) error {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return fmt.Errorf("%w: network %q is not TCP", ErrRefusedAddress, network)
	}
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is not an IP address and port", ErrRefusedAddress, address)
	}
	return d.Check(resolved.Addr())
}

// Check returns nil if the Dialer connects to addr. Otherwise the error wraps
// ErrRefusedAddress and names the address and the reason.
func (d Dialer) Check(addr netip.Addr) error {
	for _, seen := range spellings(addr) {
		for _, never := range refused {
			if never.prefix.Contains(seen) {
				return fmt.Errorf("%w: %s is %s, to which nothing here ever connects", ErrRefusedAddress, addr, never.what)
			}
		}
		if !d.RefusePrivate {
			continue
		}
		for _, inside := range private {
			if inside.prefix.Contains(seen) {
				return fmt.Errorf("%w: %s is %s, and private addresses are switched off", ErrRefusedAddress, addr, inside.what)
			}
		}
	}
	return nil
}

type block struct {
	prefix netip.Prefix
	what   string
}

// refused are the blocks that are always refused. Other metadata services are
// in the link-local blocks 169.254.0.0/16 and fe80::/10, which are refused too.
var refused = []block{
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local (cloud metadata services live there)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},

	// IMDS at ::254, DNS at ::253, time at ::123, EKS Pod Identity at ::23:
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
	// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
	{netip.MustParsePrefix("fd00:ec2::/32"), "an AWS metadata service"},
	// https://cloud.google.com/compute/docs/metadata/querying-metadata
	{netip.MustParsePrefix("fd20:ce::254/128"), "a Google Cloud metadata service"},
	// https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
	{netip.MustParsePrefix("100.100.100.200/32"), "an Alibaba Cloud metadata service"},
	// https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
	{netip.MustParsePrefix("168.63.129.16/32"), "an Azure platform service"},
	// Of the first generation, whose IPv4 address is in a block reserved for
	// protocols; IPv6 by
	// https://docs.oracle.com/iaas/Content/Compute/Tasks/gettingmetadata.htm
	{netip.MustParsePrefix("192.0.0.192/32"), "an Oracle Cloud metadata service"},
	{netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), "an Oracle Cloud metadata service"},
	// https://www.scaleway.com/en/developers/api/instance/user-data
	{netip.MustParsePrefix("fd00:42::42/128"), "a Scaleway metadata service"},

	{netip.MustParsePrefix("0.0.0.0/8"), "an address without a host"},
	{netip.MustParsePrefix("::/128"), "an address without a host"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// private are the blocks refused by RefusePrivate: those of the IANA
// special-purpose registries that are not globally reachable and in use inside
// networks.
var private = []block{
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private (RFC 1918)"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private (RFC 1918)"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "shared address space (RFC 6598)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved for protocols (RFC 6890)"},
	{netip.MustParsePrefix("198.18.0.0/15"), "reserved for benchmarks (RFC 2544)"},
	{netip.MustParsePrefix("fc00::/7"), "private (RFC 4193)"},
	{netip.MustParsePrefix("fec0::/10"), "site-local (RFC 3879)"},
}
