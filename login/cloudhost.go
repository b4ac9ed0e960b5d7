package login

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// The clouds that a process can log in to without a password, as Flux's
// spec.provider names them.
const (
	AWS   = "aws"
	Azure = "azure"
	GCP   = "gcp"
)

// Kubernetes is the provider of tokens of OpenID Connect in files, such as those
// of ServiceAccounts that are projected into a Pod: Flux's
// spec.credential.provider. Who starts the program says for which host each is.
const Kubernetes = "kubernetes"

// CloudHost is a registry of a cloud, and what its host name says.
type CloudHost struct {
	Host     string
	Provider string // AWS, Azure or GCP

	// Of AWS only:
	Account string // that owns the registry; "": ECR Public
	Region  string
	API     string // host of the API that issues tokens for the registry
}

// The hosts of registries, matched whole: a name that only begins or ends like
// one of them would get a token.
//
// ECR: https://docs.aws.amazon.com/general/latest/gr/ecr.html, with the DNS
// suffixes of https://github.com/aws/aws-sdk-go-v2, endpoints.json. ACR:
// https://learn.microsoft.com/azure/container-registry/container-registry-concepts.
// Google: https://cloud.google.com/artifact-registry/docs/docker/names.
var (
	ecrHost = pinsetter.Pattern(`^([0-9]{12})\.dkr\.ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\.` +
		`(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)
	ecrDualHost = pinsetter.Pattern(`^([0-9]{12})\.dkr-ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\.on\.` +
		`(aws|amazonwebservices\.com\.cn|amazonwebservices\.eu)$`)
	acrHost = pinsetter.Pattern(`^[a-z0-9][a-z0-9-]*\.azurecr\.(io|cn|us|de)$`)
	garHost = pinsetter.Pattern(`^(gcr\.io|[a-z0-9-]+\.gcr\.io|[a-z0-9-]+\.pkg\.dev|docker\.s3nsregistry\.fr)$`)
)

// ecrPublic is the one host of ECR Public. Its tokens come from one region:
// https://docs.aws.amazon.com/AmazonECR/latest/public/public-registry-auth.html.
const (
	ecrPublic       = "public.ecr.aws"
	ecrPublicRegion = "us-east-1"
)

// CloudHostOf returns the cloud that a registry's host belongs to, and false if
// it belongs to none. The host is compared as it is written in an image: in
// lower case, and only without a port.
func CloudHostOf(host string) (CloudHost, bool) {
	found := CloudHost{Host: host}
	switch {
	case host == ecrPublic:
		found.Provider, found.Region = AWS, ecrPublicRegion
		found.API = "api.ecr-public." + ecrPublicRegion + ".amazonaws.com"
	case acrHost().MatchString(host):
		found.Provider = Azure
	case garHost().MatchString(host):
		found.Provider = GCP
	default:
		return ecrOf(host)
	}
	return found, true
}

// CloudHostFor is CloudHostOf for a host that a provider should have. The error
// says which hosts it has.
func CloudHostFor(provider, host string) (CloudHost, error) {
	if provider == Kubernetes {
		return CloudHost{Host: host, Provider: provider}, nil
	}
	found, known := CloudHostOf(host)
	if known && found.Provider == provider {
		return found, nil
	}
	way := "the provider is for " + cloudHosts[provider]
	if meant, known := CloudHostOf(plainHost(host)); known && meant.Provider == provider {
		way = fmt.Sprintf("write %q", meant.Host)
	}
	return CloudHost{}, fmt.Errorf("%q is no registry of provider %s, and its token goes to no other host: %s", host, provider, way)
}

// plainHost returns the host in lower case, without port 443 and a dot at its end.
func plainHost(host string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(host), ":443"), ".")
}

// cloudHosts says for people which registries a provider has.
var cloudHosts = map[string]string{
	AWS:   "ACCOUNT.dkr.ecr.REGION.amazonaws.com, its names in other partitions, and public.ecr.aws",
	Azure: "NAME.azurecr.io, .cn and .us",
	GCP:   "LOCATION-docker.pkg.dev and gcr.io",
}

// ecrOf is CloudHostOf for private registries of AWS.
func ecrOf(host string) (CloudHost, bool) {
	found := CloudHost{Host: host, Provider: AWS}
	if parts := ecrHost().FindStringSubmatch(host); parts != nil {
		found.Account, found.Region = parts[1], parts[3]
		found.API = "api.ecr." + parts[3] + "." + parts[4]
		if parts[2] != "" {
			found.API = "ecr-fips." + parts[3] + "." + parts[4]
		}
		return found, true
	}
	parts := ecrDualHost().FindStringSubmatch(host)
	if parts == nil {
		return CloudHost{}, false
	}
	found.Account, found.Region = parts[1], parts[3]
	found.API = "ecr" + parts[2] + "." + parts[3] + ".api." + parts[4]
	return found, true
}
