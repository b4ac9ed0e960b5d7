package login

import (
	"fmt"
	"net/url"

	"github.com/pinsetter/pinsetter"
)

// CloudRepository is a Git repository of a cloud.
type CloudRepository struct {
	Provider string // AWS, Azure or GCP
	Region   string // of AWS
}

// The hosts of Git services, matched whole.
//
// CodeCommit: https://docs.aws.amazon.com/codecommit/latest/userguide/regions.html.
// Azure DevOps: https://learn.microsoft.com/azure/devops/repos/git/clone.
// Secure Source Manager: https://cloud.google.com/secure-source-manager/docs/use-git.
var (
	codeCommitHost = pinsetter.Pattern(`^git-codecommit(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})\.amazonaws\.com(?:\.cn)?$`)
	codeCommitPath = pinsetter.Pattern(`^/v1/repos/[A-Za-z0-9._-]+$`)
	devOpsHost     = pinsetter.Pattern(`^(dev\.azure\.com|[a-z0-9][a-z0-9-]*\.visualstudio\.com)$`)
	ssmHost        = pinsetter.Pattern(`^[a-z0-9-]+-git\.[a-z]+-[a-z]+[0-9]+(\.p)?\.sourcemanager\.dev$`)
)

// gitServices says for people which repositories a provider has.
var gitServices = map[string]string{
	AWS:   "https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME",
	Azure: "https://dev.azure.com/ORGANIZATION/PROJECT/_git/NAME and https://ORGANIZATION.visualstudio.com/…",
	GCP:   "https://INSTANCE-PROJECT-git.LOCATION.sourcemanager.dev/PROJECT/NAME.git",
}

// GitNeeds says for people what the identity of a provider needs to push.
var GitNeeds = map[string]string{
	AWS:   "it needs codecommit:GitPull and codecommit:GitPush on the repository (the policy AWSCodeCommitPowerUser has both)",
	Azure: "it must be a user of the organization, with Contribute on the repository",
	GCP:   "it needs roles/securesourcemanager.instanceAccessor on the instance and roles/securesourcemanager.repoWriter on the repository",
}

// CloudRepositoryFor returns the repository of a provider at a URL. The error
// says which repositories the provider has.
func CloudRepositoryFor(provider string, u *url.URL) (CloudRepository, error) {
	found, fits := CloudRepository{Provider: provider}, false
	switch host := u.Host; provider {
	case AWS:
		if parts := codeCommitHost().FindStringSubmatch(host); parts != nil {
			found.Region, fits = parts[1], codeCommitPath().MatchString(u.Path)
		}
	case Azure:
		fits = devOpsHost().MatchString(host)
	case GCP:
		fits = ssmHost().MatchString(host)
	}
	if u.Scheme != "https" || !fits {
		return CloudRepository{}, fmt.Errorf("%q is no repository of provider %s, and its login goes to no other host: the provider is for %s",
			u.Redacted(), provider, gitServices[provider])
	}
	return found, nil
}
