// Package lint accounts for every object and every marker: it says what is wrong
// with them, what is doubtful, and what is without effect. It asks neither Git nor
// a registry. Its findings about one site are said by every command.
package lint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/config"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

// Report is what is to be said of objects and marked files.
type Report struct {
	Findings     []pinsetter.Finding // sorted by place
	Wrong        bool                // some object has an error; what is wrong with markers does not count
	Unread       bool                // some source of objects, or an entry of one, could not be read or is empty
	Objects      int                 // that were judged; Secrets and other objects of the core are not counted
	Markers      int                 // markers that were judged
	CommentedOut int                 // lines that are commented out with their marker: no findings
	Err          error               // what could not be read
}

// Places are where markers are looked for, each marked file once.
type Places struct {
	Dirs    []string // directories; they are all that marks values: without one, no policy counts as unused
	Sources []string // files and directories of objects; those that can't be read are passed over

	Files []source.File // of objects, as they were read
}

// Check accounts for every object of set, and for every marker in places. Whether a
// marker is in an automation's scope is judged only where automations were loaded. A
// missing Secret that is needed only to write is a warning.
func Check(ctx context.Context, set *fleet.Set, places Places) *Report {
	l := &linter{set: set, used: map[pinsetter.Name]bool{}, judged: map[string]bool{}, marks: map[mark]bool{}, report: &Report{
		Objects: len(set.Repositories) + len(set.Policies) + len(set.Automations) + set.Sources + len(set.Gates) +
			len(set.PullRequests) + len(set.Artifacts) + len(set.Receivers) + len(set.Providers) + len(set.Alerts),
	}}
	l.report.Findings = slices.Clone(set.Findings)
	for i, f := range l.report.Findings {
		if config.IsSecretToWrite(f) {
			l.report.Findings[i].Severity = pinsetter.Warning
			continue
		}
		unread := f.Code == config.CodeUnread || f.Code == config.CodeEmptySource
		l.report.Unread = l.report.Unread || unread
		l.report.Wrong = l.report.Wrong || !unread && f.Severity == pinsetter.Error
	}
	for _, dir := range places.Dirs {
		l.report.Err = errors.Join(l.report.Err, l.folder(ctx, dir))
	}
	for _, path := range places.Sources {
		l.report.Err = errors.Join(l.report.Err, l.source(ctx, path))
	}
	l.objects(len(places.Dirs) > 0)
	l.suspended()
	l.clouds()
	l.links(ctx, places)
	l.report.Findings = pinsetter.SortFindings(l.report.Findings)
	return l.report
}

// linter gathers findings.
type linter struct {
	set    *fleet.Set
	report *Report
	used   map[pinsetter.Name]bool // policies that markers name
	judged map[string]bool         // marked files, by their real path
	marks  map[mark]bool           // in objects that may verify what they pull
}

func (l *linter) add(severity pinsetter.Severity, code string, at fleet.Origin, format string, args ...any) {
	l.report.Findings = append(l.report.Findings, pinsetter.Finding{
		Severity: severity, Code: code, Path: at.Path, Line: at.Line, Message: fmt.Sprintf(format, args...),
	})
}

// folder judges the markers below dir.
func (l *linter) folder(ctx context.Context, dir string) error {
	f, err := folder.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	marked, _, err := f.Marked(ctx)
	prefix := fromRepositoryRoot(dir)
	for _, file := range marked {
		if !l.first(filepath.Join(dir, filepath.FromSlash(file.Path))) {
			continue
		}
		found, wrong := file.Found()
		if wrong != nil {
			err = errors.Join(err, wrong)
			continue
		}
		l.file(found, dir, prefix)
		if len(found.Sites) > 0 {
			l.found(dir, passedOver(f, dir, file.Path)...)
		}
	}
	return errors.Join(err, l.elsewhere(ctx, dir, f))
}

// file judges what was found in one file. Prefix leads from the repository's root
// to dir.
func (l *linter) file(found *setters.File, dir, prefix string) {
	l.report.CommentedOut += found.CommentedOut
	l.found(dir, found.Findings...)
	for _, site := range found.Sites {
		l.report.Markers += len(site.Markers)
		l.found(dir, l.site(site, prefix)...)
		l.found(dir, l.undigested(site, found.Findings)...)
		l.mark(site, dir)
	}
}

// found adds findings about files below dir.
func (l *linter) found(dir string, findings ...pinsetter.Finding) {
	for _, finding := range findings {
		finding.Path = filepath.Join(dir, filepath.FromSlash(finding.Path))
		l.report.Findings = append(l.report.Findings, finding)
	}
}

// fromRepositoryRoot returns the path of dir in the Git repository that holds
// it, with a slash at the end, or "" where dir is the root or in none: that is
// where update.path begins.
func fromRepositoryRoot(dir string) string {
	full, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for root := full; ; root = filepath.Dir(root) {
		if _, err := os.Lstat(filepath.Join(root, ".git")); err == nil {
			inside, _ := filepath.Rel(root, full) // both are absolute
			return strings.TrimPrefix(filepath.ToSlash(inside)+"/", "./")
		}
		if root == filepath.Dir(root) {
			return ""
		}
	}
}

// site judges one site. Prefix leads from the repository's root to its file.
func (l *linter) site(site pinsetter.Site, prefix string) []pinsetter.Finding {
	policy := l.set.Policy(site.Policy)
	if policy == nil {
		return []pinsetter.Finding{UnknownPolicy(l.set, site)}
	}
	l.used[policy.Name] = true
	var findings []pinsetter.Finding
	if !l.inScope(site, prefix, policy) {
		findings = append(findings, OutOfScope(site, policy))
	}
	if finding := unfit(site, policy); finding != nil {
		return append(findings, *finding)
	}
	for _, m := range site.Markers {
		if m.Part == pinsetter.PartDigest {
			findings = append(findings, reflected(m, site, policy)...)
		}
	}
	if gate := l.verifying(policy); gate != nil && unpinned(site, policy) {
		findings = append(findings, warn(site, "verify-unpinned", fmt.Sprintf("Gate %s verifies who signed, and this shows no digest: the tag may be moved to something else after it was verified; "+
			"set digestReflectionPolicy of ImagePolicy %s to IfNotPresent or Always, and mark a digest or a whole reference", gate.Name, policy.Name)))
	}
	if !l.set.IgnoresEnclosing(policy) {
		findings = append(findings, keyless(site)...)
	}
	findings = append(findings, l.untrusted(site, policy)...)
	return append(findings, Replaced(site, policy)...)
}

// reflected says what is doubtful about a :digest marker of a site.
func reflected(m pinsetter.Marker, site pinsetter.Site, policy *fleet.Policy) []pinsetter.Finding {
	switch reflects := policy.Spec.DigestReflectionPolicy; {
	case reflects == spec.ReflectNever:
		return []pinsetter.Finding{doubt(site, m, "no-digest", "a :digest marker, but ImagePolicy %s reflects no digest: "+
			"set its digestReflectionPolicy to IfNotPresent or Always", policy.Name)}
	case reflects == spec.ReflectIfNotPresent && digestAlone(site):
		return []pinsetter.Finding{doubt(site, m, "digest-only", "a :digest marker without a tag beside it says nothing about which tag the digest is of: "+
			"IfNotPresent of ImagePolicy %s acts as Always here; add a :tag marker, or write Always", policy.Name)}
	}
	return nil
}

// verifying returns a Gate that demands signatures of a policy's candidates, or nil.
func (l *linter) verifying(policy *fleet.Policy) *fleet.Gate {
	for _, g := range l.set.Gates {
		if g.Selects(policy) && len(g.Spec.Verify) > 0 {
			return g
		}
	}
	return nil
}

// unpinned reports whether a site shows a tag without the digest under it.
func unpinned(site pinsetter.Site, policy *fleet.Policy) bool {
	if !site.Has(pinsetter.PartReference) && !site.Has(pinsetter.PartTag) {
		return false
	}
	return policy.Spec.DigestReflectionPolicy == spec.ReflectNever || !site.Has(pinsetter.PartReference) && !site.Pins()
}

// digestAlone reports whether a site shows digests without saying of which tag.
func digestAlone(site pinsetter.Site) bool {
	return site.Has(pinsetter.PartDigest) && !site.Has(pinsetter.PartTag) && !site.Has(pinsetter.PartReference)
}

// inScope reports whether an automation writes the site, if any was loaded. Which
// folder an artifact is made of isn't known here, so that its paths don't count.
func (l *linter) inScope(site pinsetter.Site, prefix string, policy *fleet.Policy) bool {
	site.Path = prefix + site.Path
	return len(l.set.Automations) == 0 || slices.ContainsFunc(l.set.Automations, func(a *fleet.Automation) bool {
		return a.Selects(policy) && (a.Delivery != nil || a.Covers(site.Path))
	})
}

// objects judges what the objects are to each other. That a policy is unused can
// be said only where markers were looked for.
func (l *linter) objects(markers bool) {
	scanned := map[*fleet.Repository]bool{}
	for _, p := range l.set.Policies {
		scanned[p.Repository] = true
		if markers && !l.used[p.Name] {
			l.add(pinsetter.Warning, "unused-policy", p.Origin, "ImagePolicy %s: no marker names it", p.Name)
		}
	}
	for _, r := range l.set.Repositories {
		if !scanned[r] {
			l.add(pinsetter.Warning, "unused-repository", r.Origin, "%s %s: no ImagePolicy uses it", r.Kind(), r.Name)
		}
	}
	for _, a := range l.set.Automations {
		if !slices.ContainsFunc(l.set.Policies, a.Selects) {
			l.add(pinsetter.Warning, "unused-automation", a.Origin, "%s %s: it selects no ImagePolicy; policies must be in its namespace and match its policySelector", a.Kind(), a.Name)
		}
	}
}

// suspended says which objects are suspended; Receivers and Alerts where they are
// about objects that were loaded.
func (l *linter) suspended() {
	say := func(is bool, at fleet.Origin, kind string, name pinsetter.Name) {
		if is {
			l.add(pinsetter.Warning, "suspended", at, "%s %s is suspended", kind, name)
		}
	}
	for _, p := range l.set.Policies {
		say(p.Suspended, p.Origin, "ImagePolicy", p.Name)
	}
	for _, r := range l.set.Repositories {
		say(r.Suspended, r.Origin, r.Kind(), r.Name)
	}
	for _, a := range l.set.Automations {
		say(a.Suspended, a.Origin, a.Kind(), a.Name)
	}
	for _, r := range l.set.Receivers {
		say(r.Suspended && len(r.Resources) > 0, r.Origin, "Receiver", r.Name)
	}
	for _, p := range l.set.Providers {
		say(p.Suspended, p.Origin, "Provider", p.Name)
	}
	for _, alert := range l.set.Alerts {
		selects := func(a *fleet.Automation) bool { return alert.Selects(a.Object()) }
		say(alert.Suspended && slices.ContainsFunc(l.set.Automations, selects), alert.Origin, "Alert", alert.Name)
	}
}
