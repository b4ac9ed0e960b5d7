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

func TestCloudHostOf(t *testing.T) {
	aws := func(host, account, region, api string) login.CloudHost {
		return login.CloudHost{Host: host, Provider: login.AWS, Account: account, Region: region, API: api}
	}
	const account = "123456789012"
	for _, want := range []login.CloudHost{
		// Of AWS' reference (https://docs.aws.amazon.com/general/latest/gr/ecr.html) and the endpoints of its SDK for Go.
		aws(account+".dkr.ecr.us-east-2.amazonaws.com", account, "us-east-2", "api.ecr.us-east-2.amazonaws.com"),
		aws(account+".dkr.ecr-fips.us-east-2.amazonaws.com", account, "us-east-2", "ecr-fips.us-east-2.amazonaws.com"),
		aws(account+".dkr-ecr.us-east-2.on.aws", account, "us-east-2", "ecr.us-east-2.api.aws"),
		aws(account+".dkr-ecr-fips.us-east-2.on.aws", account, "us-east-2", "ecr-fips.us-east-2.api.aws"),
		aws(account+".dkr.ecr.us-gov-west-1.amazonaws.com", account, "us-gov-west-1", "api.ecr.us-gov-west-1.amazonaws.com"),
		aws(account+".dkr.ecr-fips.us-gov-east-1.amazonaws.com", account, "us-gov-east-1", "ecr-fips.us-gov-east-1.amazonaws.com"),
		aws(account+".dkr.ecr.cn-northwest-1.amazonaws.com.cn", account, "cn-northwest-1", "api.ecr.cn-northwest-1.amazonaws.com.cn"),
		aws(account+".dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", account, "cn-northwest-1", "ecr.cn-northwest-1.api.amazonwebservices.com.cn"),
		aws(account+".dkr.ecr.eusc-de-east-1.amazonaws.eu", account, "eusc-de-east-1", "api.ecr.eusc-de-east-1.amazonaws.eu"),
		aws(account+".dkr.ecr.us-iso-east-1.c2s.ic.gov", account, "us-iso-east-1", "api.ecr.us-iso-east-1.c2s.ic.gov"),
		aws(account+".dkr.ecr.us-isob-east-1.sc2s.sgov.gov", account, "us-isob-east-1", "api.ecr.us-isob-east-1.sc2s.sgov.gov"),
		aws(account+".dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", account, "eu-isoe-west-1", "api.ecr.eu-isoe-west-1.cloud.adc-e.uk"),
		aws(account+".dkr.ecr.us-isof-south-1.csp.hci.ic.gov", account, "us-isof-south-1", "api.ecr.us-isof-south-1.csp.hci.ic.gov"),
		aws(account+".dkr.ecr.ap-southeast-7.amazonaws.com", account, "ap-southeast-7", "api.ecr.ap-southeast-7.amazonaws.com"),
		aws("public.ecr.aws", "", "us-east-1", "api.ecr-public.us-east-1.amazonaws.com"),
		{Host: "team.azurecr.io", Provider: login.Azure},
		{Host: "team-a1b2c3d4.azurecr.io", Provider: login.Azure},
		{Host: "team.azurecr.cn", Provider: login.Azure},
		{Host: "team.azurecr.us", Provider: login.Azure},
		{Host: "europe-west4-docker.pkg.dev", Provider: login.GCP},
		{Host: "us-docker.pkg.dev", Provider: login.GCP},
		{Host: "gcr.io", Provider: login.GCP},
		{Host: "asia.gcr.io", Provider: login.GCP},
		{Host: "docker.s3nsregistry.fr", Provider: login.GCP},
	} {
		if found, known := login.CloudHostOf(want.Host); !known || found != want {
			t.Errorf("%s: %+v, %v; want %+v", want.Host, found, known, want)
		}
		for _, spelt := range []string{strings.ToUpper(want.Host), want.Host + ".", want.Host + ":443"} {
			if found, known := login.CloudHostOf(spelt); known {
				t.Errorf("%s is taken for %+v", spelt, found)
			}
			if _, err := login.CloudHostFor(want.Provider, spelt); err == nil || !strings.HasSuffix(err.Error(), "goes to no other host: write \""+want.Host+"\"") {
				t.Errorf("%s: %v; want the way out", spelt, err)
			}
		}
	}
	for _, host := range []string{
		"", "amazonaws.com", account + ".dkr.ecr.us-east-2.amazonaws.com:8443", account + ".dkr.ecr.us-east-2.amazonaws.com.evil.example",
		"12345678901.dkr.ecr.us-east-2.amazonaws.com", account + ".dkr.ecr..amazonaws.com", account + ".dkr.ecr.us-east-2.evil.amazonaws.com",
		account + ".dkr.ecr.us-east-2.amazonaws.com@evil.example", account + ".dkr.ecr.us-east-2.on.aws", account + ".dkr-ecr.us-east-2.amazonaws.com",
		"x." + account + ".dkr.ecr.us-east-2.amazonaws.com", "x.public.ecr.aws", "public.ecr.aws.evil.example",
		"azurecr.io", "a.b.azurecr.io", "team.azurecr.io.evil.example", "team.azurecr.com", "teamazurecr.io", "-a.azurecr.io",
		"pkg.dev", "a.b.pkg.dev", "eu-docker.pkg.dev.evil.example", "evilgcr.io", "a.b.gcr.io", "gcr.io.evil.example", "gcr.io/p", "ghcr.io", "quay.io", "localhost:5000",
	} {
		if found, known := login.CloudHostOf(host); known {
			t.Errorf("%q is taken for %+v", host, found)
		}
	}
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
