package fleet

import (
	"time"

	"github.com/pinsetter/pinsetter"
)

// Forge is where the pull requests of a repository are opened, and as whom. Of
// Token and App at most one is set; with neither the environment is asked.
type Forge struct {
	Provider string // one of the Forge constants
	URL      string // of the repository: its http or https address at the forge, or what Git uses
	Timeout  time.Duration

	Token pinsetter.Secret
	App   *GitHubApp

	// Lent says that the credentials of the GitRepository may be used here, also
	// where Token or App are others: it is the place that they are for.
	Lent bool

	TLS   pinsetter.TLS
	Proxy *pinsetter.Proxy // nil: the environment's proxies
}

// The forges that pull requests are opened at.
const (
	ForgeGitHub = "github"
	ForgeGitLab = "gitlab"
	ForgeGitea  = "gitea" // and Forgejo
)

// GitHubApp is an installation of a GitHub App, by the keys of Flux's Secret.
type GitHubApp struct {
	ID                int64
	PrivateKey        pinsetter.Secret // PEM
	InstallationID    int64            // 0: it is looked up by InstallationOwner
	InstallationOwner string           // user or organisation
	BaseURL           string           // of a GitHub Enterprise Server; "": github.com
}
