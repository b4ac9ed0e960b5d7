package config

import "github.com/pinsetter/pinsetter/claim"

// The kinds that are read.
const (
	kindRepository = claim.KindImageRepository
	kindPolicy     = claim.KindImagePolicy
	kindAutomation = claim.KindImageUpdateAutomation
	kindGit        = claim.KindGitRepository
	kindOCI        = claim.KindOCIRepository
	kindHelm       = claim.KindHelmRepository
	kindChart      = claim.KindChartRepository
	kindGate       = claim.KindGate
	kindProposal   = claim.KindPullRequest
	kindArtifact   = claim.KindArtifactAutomation
	kindSecret     = claim.KindSecret
	kindAccount    = claim.KindServiceAccount
	kindNamespace  = claim.KindNamespace
	kindList       = claim.KindList
	kindReceiver   = claim.KindReceiver
	kindProvider   = claim.KindProvider
	kindAlert      = claim.KindAlert
)
