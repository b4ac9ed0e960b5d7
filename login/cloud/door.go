package cloud

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pinsetter/pinsetter/login"
)

// metadataTimeout bounds the wait for a metadata service. It answers within
// milliseconds if there is one. If the hop limit of an instance keeps the
// answer from a container, none arrives.
const metadataTimeout = 3 * time.Second

// door is the transport of a cloud's own library. It lets through to metadata
// services, which login.Dialer refuses to everybody, exactly the requests that
// the library needs, and sends all others as every client does. A request to a
// metadata service never goes through a proxy.
type door struct {
	provider  string
	inside    http.RoundTripper // to metadata services
	outside   http.RoundTripper
	userAgent string
}

// RoundTrip sends the request, or refuses to.
func (d *door) RoundTrip(request *http.Request) (*http.Response, error) {
	if service, found := metadata[hostOf(request.URL)]; found && request.URL.Scheme == "http" {
		if !service.admits(d.provider, request) {
			return nil, fmt.Errorf("%w: %s %s is no request for an identity of provider %s",
				login.ErrRefusedAddress, request.Method, request.URL.Redacted(), d.provider)
		}
		return d.inside.RoundTrip(request)
	}
	if request.Header.Get("User-Agent") == "" {
		request = request.Clone(request.Context())
		request.Header.Set("User-Agent", d.userAgent)
	}
	return d.outside.RoundTrip(request)
}

// hostOf returns the host of a URL without the default port.
func hostOf(u *url.URL) string {
	if u.Port() == "80" || u.Port() == "" {
		return u.Hostname()
	}
	return u.Host
}

// service is a metadata service: what may be asked there.
type service []question

// question is a request that a metadata service may be sent.
type question struct {
	providers string // that may ask
	method    string
	path      string // "…/": all names directly below it too; "": the environment's
	header    string // that must be there
}

// admits reports whether the request is one of the service's questions.
func (s service) admits(provider string, request *http.Request) bool {
	for _, q := range s {
		if strings.Contains(q.providers, provider) && q.method == cmp.Or(request.Method, http.MethodGet) && q.matches(request.URL) &&
			(q.header == "" || request.Header.Get(q.header) != "") {
			return true
		}
	}
	return false
}

// matches compares a path as it is sent. An escaped one never matches.
func (q question) matches(u *url.URL) bool {
	wanted := q.path
	if wanted == "" {
		wanted, _, _ = strings.Cut(os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), "?")
	}
	at := u.EscapedPath()
	if wanted == "" || at == wanted {
		return at == wanted && wanted != ""
	}
	name, below := strings.CutPrefix(at, wanted)
	return below && strings.HasSuffix(wanted, "/") && roleName(name)
}

// roleName reports whether name is one that an IAM role may have:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html.
func roleName(name string) bool {
	for _, c := range name {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("+=,.@_-", c)) {
			return false
		}
	}
	return len(name) <= 64
}

// The requests for an identity. The header of IMDS is that of its version 2:
// version 1 answers anybody who makes this process send a GET.
//
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html,
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html,
// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html,
// https://cloud.google.com/compute/docs/access/authenticate-workloads#applications,
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token.
var (
	imdsV2 = service{
		{providers: "aws gcp", method: http.MethodPut, path: "/latest/api/token", header: "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"},
		{providers: "aws gcp", method: http.MethodGet, path: "/latest/meta-data/iam/security-credentials/", header: "X-Aws-Ec2-Metadata-Token"},
	}
	ecsAgent     = service{{providers: "aws", method: http.MethodGet}}
	googleServer = service{
		{providers: "gcp", method: http.MethodGet, path: googleAccount + "token", header: "Metadata-Flavor"},
		{providers: "gcp", method: http.MethodGet, path: googleAccount + "email", header: "Metadata-Flavor"},
		// Workload identity federation from AWS signs with the region.
		{providers: "gcp", method: http.MethodGet, path: "/latest/meta-data/placement/availability-zone", header: "X-Aws-Ec2-Metadata-Token"},
	}
	azureIMDS   = service{{providers: "azure gcp", method: http.MethodGet, path: "/metadata/identity/oauth2/token", header: "Metadata"}}
	podIdentity = service{{providers: "aws", method: http.MethodGet, path: "/v1/credentials", header: "Authorization"}}
)

// metadata are the metadata services by host, as it is written in a URL.
var metadata = map[string]service{
	"169.254.169.254": slices.Concat(imdsV2, googleServer, azureIMDS),
	"fd00:ec2::254":   imdsV2,
	"169.254.170.2":   ecsAgent,
	"169.254.170.23":  podIdentity,
	"fd00:ec2::23":    podIdentity,
}

// dialFunc opens a connection.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// metadataTransport returns the transport to metadata services: without a
// proxy, and with short timeouts.
func metadataTransport(dial dialFunc) http.RoundTripper {
	return &http.Transport{
		DialContext:            dial,
		ResponseHeaderTimeout:  metadataTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true, // it is asked once an hour
	}
}

// dialMetadata connects to the metadata services' addresses and no other.
func dialMetadata(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: time.Second, Control: func(_, resolved string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(resolved)
		if err != nil {
			return err
		}
		if _, found := metadata[to.Addr().String()]; !found || to.Port() != 80 {
			return fmt.Errorf("%w: %s is no metadata service", login.ErrRefusedAddress, resolved)
		}
		return nil
	}}
	return dialer.DialContext(ctx, network, address)
}
