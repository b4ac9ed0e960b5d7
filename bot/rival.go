package bot

import (
	"fmt"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/gitops"
	"github.com/pinsetter/pinsetter/message"
	"github.com/pinsetter/pinsetter/plan"
)

// rivalFor is for how long after its commit another writer of a branch is warned of.
const rivalFor = 6 * time.Hour

// argoAuthor is the author of Argo CD Image Updater's commits, unless its settings
// name another one (git.user in its ConfigMap).
const argoAuthor = "argocd-image-updater"

// warnOfRival warns if the last commit of a lane's base looks like one of another
// program that writes image versions there: both would undo or repeat each other's
// changes. Only the last commit is looked at, since it is fetched anyway.
func (r *reading) warnOfRival() {
	commit, err := r.fetched.Base.Info()
	if err != nil {
		return // the plans say what is wrong with the commit
	}
	age := r.o.Now().Sub(commit.When)
	if age < 0 || age > rivalFor {
		return
	}
	for _, a := range r.lane.automations {
		if advice := rival(a, commit); advice != "" {
			r.o.Log.Warn(fmt.Sprintf("commit %.7s of %s looks like another image updater's: %s", commit.Hash, r.lane.base, advice),
				"repository", r.lane.git.Name.String(), "automation", a.Name.String(), "author", pinsetter.Printable(commit.Author.Name))
		}
	}
}

// rival returns how to stop the program that made a commit, or "" if it is no known
// writer of image versions.
func rival(a *fleet.Automation, commit gitops.CommitInfo) string {
	me := plan.Author(a)
	switch {
	case commit.Author.Name == argoAuthor:
		return "if Argo CD Image Updater writes what Pinsetter writes, remove its annotations or its ImageUpdater object"
	case a.Trailers && commit.Author == me && commit.Committer == me && message.ParseTrailers(commit.Message).Automation == pinsetter.Name{}:
		return "it has the author of ImageUpdateAutomation " + a.Name.String() + ", but Pinsetter didn't make it. If Flux runs the automation too, " +
			"stop image-automation-controller (replicas: 0), or give Pinsetter a copy of the object (spec.suspend would stop both)"
	}
	return ""
}
