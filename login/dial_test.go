package login_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/login"
)

func TestDialerChecksAddresses(t *testing.T) {
	for _, test := range []struct {
		addr    string
		refused string // part of the reason; empty: allowed
		private string // part of the reason with RefusePrivate
	}{
		{"127.0.0.1", "", "loopback"},
		{"::1", "", "loopback"},
		{"10.1.2.3", "", "RFC 1918"},
		{"172.31.255.255", "", "RFC 1918"},
		{"192.168.0.1", "", "RFC 1918"},
		{"100.64.0.1", "", "RFC 6598"},
		{"fd12:3456::1", "", "RFC 4193"},
		{"::ffff:10.0.0.1", "", "RFC 1918"},
		{"64:ff9b::10.0.0.1", "", "RFC 1918"},
		{"172.32.0.1", "", ""},
		{"140.82.112.3", "", ""},
		{"2606:50c0:8000::153", "", ""},
		{"169.254.169.254", "link-local", "link-local"},
		{"169.254.170.2", "link-local", "link-local"},
		{"::ffff:169.254.169.254", "link-local", "link-local"},
		{"::169.254.169.254", "link-local", "link-local"},
		{"64:ff9b::169.254.169.254", "link-local", "link-local"},
		{"2002:a9fe:a9fe::1", "link-local", "link-local"},
		{"::ffff:0:169.254.169.254", "link-local", "link-local"},
		{"64:ff9b::10.1.2.3", "", "RFC 1918"},
		{"64:ff9b:1::169.254.169.254", "link-local", "link-local"},      // a prefix of 96 bits
		{"64:ff9b:1:fffe::169.254.169.254", "link-local", "link-local"}, // another one
		{"64:ff9b:1:a9fe:a9:fe00::", "link-local", "link-local"},        // 48 bits
		{"64:ff9b:1:42a9:fe:a9fe::", "link-local", "link-local"},        // 56 bits
		{"64:ff9b:1:4242:a9:fea9:fe00::", "link-local", "link-local"},   // 64 bits
		{"64:ff9b:1::10.1.2.3", "", "RFC 1918"},
		{"64:ff9b:1::140.82.112.3", "", ""},
		{"64:ff9b::100.100.100.200", "Alibaba", "Alibaba"},
		{"64:ff9b:1::168.63.129.16", "Azure", "Azure"},
		{"2001:0:4136:e378:8000:63bf:5601:5601", "link-local", "link-local"}, // Teredo, inverted
		{"2001:0:a9fe:a9fe::1", "link-local", "link-local"},                  // its server
		{"2001:db8::5efe:169.254.169.254", "link-local", "link-local"},       // ISATAP
		{"2001:db8::200:5efe:10.1.2.3", "", "RFC 1918"},
		{"2002:808:808::1", "", ""},
		{"fe80::1", "link-local", "link-local"},
		{"fe80::1%eth0", "link-local", "link-local"},
		{"fd00:ec2::254", "AWS", "AWS"},
		{"fd00:ec2::23", "AWS", "AWS"},
		{"fd20:ce::254", "Google", "Google"},
		{"fd00:c1::a9fe:a9fe", "Oracle", "Oracle"},
		{"fd00:42::42", "Scaleway", "Scaleway"},
		{"100.100.100.200", "Alibaba", "Alibaba"},
		{"::ffff:100.100.100.200", "Alibaba", "Alibaba"},
		{"168.63.129.16", "Azure", "Azure"},
		{"192.0.0.192", "Oracle", "Oracle"},
		{"0.0.0.0", "without a host", "without a host"},
		{"0.1.2.3", "without a host", "without a host"},
		{"::", "without a host", "without a host"},
		{"::ffff:0.0.0.0", "without a host", "without a host"},
		{"224.0.0.1", "multicast", "multicast"},
		{"ff02::1", "multicast", "multicast"},
		{"255.255.255.255", "broadcast", "broadcast"},
	} {
		addr := netip.MustParseAddr(test.addr)
		checkRefusal(t, login.Dialer{}.Check(addr), test.addr, test.refused)
		checkRefusal(t, login.Dialer{RefusePrivate: true}.Check(addr), test.addr, test.private)
	}
}

func checkRefusal(t *testing.T, err error, addr, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil {
			t.Errorf("%s: %v; want it allowed", addr, err)
		}
		return
	}
	if !errors.Is(err, login.ErrRefusedAddress) {
		t.Errorf("%s: error is %v; want ErrRefusedAddress", addr, err)
		return
	}
	for _, part := range []string{netip.MustParseAddr(addr).String(), reason} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q does not say %q", addr, err, part)
		}
	}
}

func TestDialerChecksHosts(t *testing.T) {
	for host, refused := range map[string]bool{
		"169.254.169.254":              true,
		"169.254.169.254:80":           true,
		"[fe80::1]:443":                true,
		"[fd00:ec2::254]":              true,
		"[fe80::1%25lo]:80":            true,
		"[fe80::1%lo]":                 true,
		"169.254.169.254.":             true,
		"169.254.169.254.:80":          true,
		"2852039166":                   true,
		"0xa9fea9fe:80":                true,
		"0251.0376.0251.0376":          true,
		"0169.254.169.254":             true,
		"169.254.43518":                true,
		"0xa9.0xfe.0xa9fe":             true,
		"metadata.google.internal":     true,
		"METADATA.google.internal.:80": true,
		"instance-data.ec2.internal":   true,
		"127.1":                        false,
		"1.2.3.4.5":                    false,
		"4294967296":                   false,
		"metadata.example.test":        false, // checked when it is resolved
		"ghcr.io:443":                  false,
		"127.0.0.1:5000":               false,
		"[::1]:5000":                   false,
	} {
		if err := (login.Dialer{}).CheckHost(host); errors.Is(err, login.ErrRefusedAddress) != refused {
			t.Errorf("CheckHost(%q) = %v; refused should be %t", host, err, refused)
		}
	}
}

func TestDialerRefusesBeforeConnecting(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, address := range []string{"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "0.0.0.0:80", "[fe80::1%lo]:80"} {
		conn, err := login.Dialer{}.DialContext(ctx, "tcp", address)
		if !errors.Is(err, login.ErrRefusedAddress) {
			t.Errorf("dial %s: %v, %v; want ErrRefusedAddress", address, conn, err)
		}
	}
}

// The check happens after resolution: "localhost" is a name, and what it
// resolves to decides.
func TestDialerChecksWhatANameResolvesTo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	address := net.JoinHostPort("localhost", port)

	conn, err := login.Dialer{}.DialContext(t.Context(), "tcp4", address)
	if err != nil {
		t.Fatalf("dial %s: %v", address, err)
	}
	conn.Close()

	if conn, err := (login.Dialer{RefusePrivate: true}).DialContext(t.Context(), "tcp4", address); !errors.Is(err, login.ErrRefusedAddress) {
		t.Fatalf("dial %s: %v, %v; want ErrRefusedAddress", address, conn, err)
	}
}

func TestDialerRefusesOtherNetworks(t *testing.T) {
	conn, err := login.Dialer{}.DialContext(t.Context(), "udp", "127.0.0.1:53")
	if !errors.Is(err, login.ErrRefusedAddress) {
		t.Fatalf("dial udp: %v, %v; want ErrRefusedAddress", conn, err)
	}
}
