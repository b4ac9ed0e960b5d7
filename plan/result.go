package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/store"
)

// Result is one automation's part in a cycle.
type Result struct {
	Namespace string              `json:"namespace"`
	Name      string              `json:"name"`
	Group     string              `json:"group,omitempty"`    // "" where changes aren't grouped
	Revision  string              `json:"revision,omitempty"` // "branch@sha1:hash" of what was read
	Images    []pinsetter.Written `json:"images"`             // that the changes write, sorted by policy and reference
	Suspended bool                `json:"suspended,omitempty"`
	Pushed    *Pushed             `json:"pushed,omitempty"`
	Changes   []pinsetter.Change  `json:"changes"`
	Held      []pinsetter.Hold    `json:"held"`

	// Unverified are sites whose written digests a rule about signatures refuses.
	Unverified []pinsetter.Unverified `json:"unverified,omitempty"`

	// Soon are holds whose reason most often goes away by itself within minutes.
	// Nobody is told of them, and the automation is run again soon.
	Soon []pinsetter.Hold `json:"-"`

	// PullRequest is what became of the changes' pull request; nil where they
	// are pushed without one, and where there is none.
	PullRequest *PullRequest `json:"pullRequest,omitempty"`

	Error string `json:"error,omitempty"`

	Err      error               `json:"-"` // what Error says, as a value; joined where several things failed
	Patch    string              `json:"-"` // unified diff of the changes, with the paths of the repository; of a group: on top of those before it
	Findings []pinsetter.Finding `json:"-"` // about the marked files that were read
	Unmarked bool                `json:"-"` // everything was read, and no marker is there

	Branch string `json:"-"` // of the pull request; "" where changes are pushed without one

	Wrote map[store.Site]pinsetter.Image `json:"-"` // what was pushed to which sites

	Summary string `json:"-"` // of the changes for people: images, old and new, and where
}

// PullRequest is a pull request after a cycle.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Action Action `json:"action"`

	// Refused says that a person closed it without merging.
	Refused bool `json:"-"`
}

// Action is what a cycle found or did about a pull request.
type Action string

// The actions.
const (
	Created   Action = "created"
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
	Closed    Action = "closed"
	Merged    Action = "merged"
)

// Pushed is where an automation's commit went, or, without Changes, the commit that
// its branch is at since what it proposed there was taken back. Refspec is set where
// the automation has one. Without a Branch it was due since an earlier run.
type Pushed struct {
	Commit  string `json:"commit"`
	Branch  string `json:"branch,omitempty"`
	Refspec string `json:"refspec,omitempty"`

	// Artifact is set for one that was delivered: its digest is Commit, the tag that it
	// keeps is Branch, and these are the tags that were moved to it.
	Artifact string   `json:"artifact,omitempty"` // "oci://HOST/REPOSITORY:TAG@DIGEST"
	Moved    []string `json:"moved,omitempty"`

	Message string `json:"-"` // of the commit, without trailers; "" without Changes
}

// Describe says in a few words what was pushed, with so many changes.
func (p Pushed) Describe(changes int) string {
	switch {
	case p.Artifact != "" && len(p.Moved) > 0:
		return fmt.Sprintf("delivered %s, and moved %s to it", p.Artifact, strings.Join(p.Moved, ", "))
	case p.Artifact != "":
		return "delivered " + p.Artifact
	case pinsetter.ValidDigest(p.Commit): // of a recorded run
		return fmt.Sprintf("delivered %.19s as %s", p.Commit, p.Branch)
	case p.Branch == "":
		return fmt.Sprintf("pushed %.12s to %s, which was due", p.Commit, p.Refspec)
	case changes == 0:
		return fmt.Sprintf("took back what %s proposed: it is at %.12s", p.Branch, p.Commit)
	case p.Refspec != "":
		return fmt.Sprintf("pushed %.12s to %s and %s", p.Commit, p.Branch, p.Refspec)
	}
	return fmt.Sprintf("pushed %.12s to %s", p.Commit, p.Branch)
}

// NewResult returns the result of an automation for which nothing was done yet.
func NewResult(a *fleet.Automation) *Result {
	return &Result{
		Namespace: a.Name.Namespace,
		Name:      a.Name.Name,
		Suspended: a.Suspended,
		Changes:   []pinsetter.Change{},
		Images:    []pinsetter.Written{},
		Held:      []pinsetter.Hold{},
	}
}

// Automation returns the name of the automation.
func (r *Result) Automation() pinsetter.Name {
	return pinsetter.Name{Namespace: r.Namespace, Name: r.Name}
}

// Fail records err, which may be nil, beside what failed before.
func (r *Result) Fail(err error) {
	if err == nil {
		return
	}
	r.Err = errors.Join(r.Err, err)
	r.Error = pinsetter.OneLine(r.Err)
}
