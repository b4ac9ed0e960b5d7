package plan

import (
	"strings"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
)

// Author is who an automation commits as.
func Author(a *fleet.Automation) gitops.Signature {
	return gitops.Signature{Name: a.Author.Name, Email: a.Author.Email}
}

// Made reports whether a commit says that a made it: as author and as committer,
// and with its trailer where a writes one. Anybody can write that.
func Made(a *fleet.Automation, commit gitops.CommitInfo) bool {
	me := Author(a)
	mine := commit.Author == me && commit.Committer == me
	if a.PullRequest != nil && a.PullRequest.Forge.Provider == fleet.ForgeGitHub {
		mine = mine || madeByForge(commit) // also where it was to verify commits, and isn't any more
	}
	if n := len(commit.Parents); !mine || n != 1 && n != 2 {
		return false
	}
	return !a.Trailers || message.ParseTrailers(commit.Message).Automation == a.Name
}

// madeByForge reports whether GitHub made a commit for an app: the committer is
// GitHub's, which nobody else's commits have but those made on its pages, and
// the author an app, which nobody there is.
func madeByForge(commit gitops.CommitInfo) bool {
	return commit.Committer == gitops.Signature{Name: "GitHub", Email: "noreply@github.com"} &&
		strings.HasSuffix(commit.Author.Name, "[bot]") &&
		strings.Contains(commit.Author.Email, "[bot]@users.noreply.")
}
