package lint

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/links"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/spec"
)

// links judges what the objects of Flux refer to, in the files of objects and in the
// folders of marked files, each file once.
func (l *linter) links(ctx context.Context, places Places) {
	g, seen := &links.Graph{}, map[string]bool{}
	var found []linked
	for _, f := range places.Files { // a build has several of one path
		seen[absolute(f.Path)] = true
		found = append(found, linksOf(f))
	}
	for _, dir := range places.Dirs {
		for _, f := range linksBelow(ctx, dir) {
			if !seen[absolute(f.path)] {
				found = append(found, f)
			}
		}
	}
	for _, f := range found {
		g.Add(f.objects...)
		if f.renames {
			g.Rename()
		}
	}
	findings := g.Findings()
	for _, f := range findings {
		l.report.Wrong = l.report.Wrong || f.Severity == pinsetter.Error
	}
	l.report.Findings = append(l.report.Findings, findings...)
	l.patched(ctx, places, found)
}

// linked is what a file says of objects that refer to each other.
type linked struct {
	path    string
	objects []*links.Object
	renames bool // it may be a kustomization that puts something before or behind names
}

func linksOf(f source.File) linked {
	return linked{f.Path, links.Read(f), renamesObjects(f.Data)}
}

func renamesObjects(data []byte) bool {
	return bytes.Contains(data, []byte("namePrefix:")) || bytes.Contains(data, []byte("nameSuffix:"))
}

// linksBelow returns that of the files below dir. What can't be read was reported
// with the markers.
func linksBelow(ctx context.Context, dir string) []linked {
	f, err := folder.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	options := folder.Options{Want: setters.IsCandidate, MaxSize: setters.MaxSize, Screen: func(data []byte) bool {
		return links.MayHold(data) || renamesObjects(data)
	}}
	files, _ := folder.Each(ctx, f, options, func(path string, data []byte) (linked, bool) {
		return linksOf(source.File{Path: filepath.Join(dir, filepath.FromSlash(path)), Data: data}), true
	})
	return files
}

// absolute returns the whole path of a file, or the path as it is.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// undigested offers the line of the digest beside the marked tag of an OCIRepository
// whose policy reflects digests. Where a digest is written that isn't marked, others
// say so: beside are the findings about the file.
func (l *linter) undigested(site pinsetter.Site, beside []pinsetter.Finding) []pinsetter.Finding {
	policy := l.set.Policy(site.Policy)
	if policy == nil || policy.Spec.DigestReflectionPolicy == spec.ReflectNever ||
		site.Object.Kind != links.KindOCI || site.Has(pinsetter.PartDigest) || unfit(site, policy) != nil {
		return nil
	}
	var findings []pinsetter.Finding
	for _, m := range site.Markers {
		outweighed := slices.ContainsFunc(beside, func(f pinsetter.Finding) bool { return f.Code == setters.CodeNoEffect && f.Line == m.Line })
		if m.Part == pinsetter.PartTag && !outweighed {
			findings = append(findings, doubt(site, m, "digest-offered", "ImagePolicy %s reflects digests, and only the tag is written: "+
				"to pin what Flux pulls, write below it: digest: \"\" # %s", policy.Name, setters.Marker(policy.Name, pinsetter.PartDigest)))
		}
	}
	return findings
}
