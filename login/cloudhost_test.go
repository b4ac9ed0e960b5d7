package login_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/login"
)

// ofClouds are the domains of registries, and of the APIs that issue their
// tokens.
var ofClouds = map[string][]string{
	login.AWS: {".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".c2s.ic.gov", ".sc2s.sgov.gov", ".cloud.adc-e.uk", ".csp.hci.ic.gov",
		".on.aws", ".on.amazonwebservices.com.cn", ".on.amazonwebservices.eu", ".api.aws", ".api.amazonwebservices.com.cn", ".api.amazonwebservices.eu", "public.ecr.aws"},
	login.Azure: {".azurecr.io", ".azurecr.cn", ".azurecr.us", ".azurecr.de"},
	login.GCP:   {"gcr.io", ".gcr.io", ".pkg.dev", "docker.s3nsregistry.fr"},
}

// FuzzCloudHost: a host that is a cloud's is one name below that cloud's domains,
// and so is the API that is asked for its token.
func FuzzCloudHost(f *testing.F) {
	for _, host := range []string{
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr-ecr-fips.us-east-1.on.aws", "public.ecr.aws", "team.azurecr.io",
		"europe-docker.pkg.dev", "gcr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", "evil.example/team.azurecr.io", "gcr.io:443", "gcr.io\n",
	} {
		f.Add(host)
	}
	below := func(host, cloud string) bool {
		for _, domain := range ofClouds[cloud] {
			if host == domain || domain[0] == '.' && strings.HasSuffix(host, domain) {
				return true
			}
		}
		return false
	}
	f.Fuzz(func(t *testing.T, host string) {
		found, known := login.CloudHostOf(host)
		if !known {
			return
		}
		u, err := url.Parse("https://" + host + "/v2/")
		if err != nil || u.Host != host || u.Port() != "" || u.User != nil || !below(host, found.Provider) {
			t.Errorf("%q is taken for %+v", host, found)
		}
		if (found.API != "") != (found.Provider == login.AWS) || found.API != "" && !below(found.API, login.AWS) {
			t.Errorf("%q: the token comes from %q", host, found.API)
		}
	})
}
