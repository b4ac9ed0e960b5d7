package lint

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/links"
	"github.com/pinsetter/pinsetter/setters"
	"github.com/pinsetter/pinsetter/source"
)

// mark is a marker in an object that may verify what it pulls.
type mark struct {
	path string // absolute
	line int
}

// verified are the kinds of objects that may.
var verified = []string{links.KindOCI, links.KindHelmChart, links.KindHelmRelease}

// mark notes the markers of a site in such an object. A policy whose Gate says that
// the object's verify doesn't count has none.
func (l *linter) mark(site pinsetter.Site, dir string) {
	policy := l.set.Policy(site.Policy)
	if policy == nil || !slices.Contains(verified, site.Object.Kind) || l.set.IgnoresEnclosing(policy) {
		return
	}
	at := absolute(filepath.Join(dir, filepath.FromSlash(site.Path)))
	for _, m := range site.Markers {
		l.marks[mark{at, m.Line}] = true
	}
}

// patched warns of patches that give a verify to an object that has a marker on what
// it pulls: who writes the marked value reads no patch, so what Flux will verify is
// written unverified. Found are all objects.
func (l *linter) patched(ctx context.Context, places Places, found []linked) {
	var pulling []*links.Object
	for _, f := range found {
		for _, o := range f.objects {
			if slices.ContainsFunc(o.Pulls, func(line int) bool { return l.marks[mark{absolute(o.Path), line}] }) {
				pulling = append(pulling, o)
			}
		}
	}
	if len(pulling) == 0 {
		return
	}
	var patches []links.Patch
	for _, f := range places.Files {
		given, _ := links.Patches(f)
		patches = append(patches, given...)
	}
	for _, dir := range slices.Concat(places.Dirs, places.Sources) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			patches = append(patches, patchesBelow(ctx, dir)...)
		}
	}
	said := map[string]bool{}
	for _, p := range patches {
		for _, o := range pulling {
			key := fmt.Sprint(absolute(p.Path), p.Line, absolute(o.Path), o.Line)
			if !p.Fits(o) || said[key] {
				continue
			}
			said[key] = true
			l.report.Findings = append(l.report.Findings, pinsetter.Finding{
				Severity: pinsetter.Warning, Code: "verify-patched", Path: p.Path, Line: p.Line,
				Message: pinsetter.Printable(fmt.Sprintf("this patch gives %s (%s:%d) its verify, which isn't read where the marker there is written: Flux may refuse what is committed; "+
					"put the verify beside the marker", o, o.Path, o.Line)),
			})
		}
	}
}

// patchesBelow returns the patches that kustomizations below dir have or name. What
// isn't below it isn't read.
func patchesBelow(ctx context.Context, dir string) []links.Patch {
	f, err := folder.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	type built struct {
		at      string
		patches []links.Patch
		files   []links.PatchFile
	}
	options := folder.Options{Want: setters.IsCandidate, MaxSize: setters.MaxSize, Screen: links.MayPatch}
	all, _ := folder.Each(ctx, f, options, func(name string, data []byte) (built, bool) {
		patches, files := links.Patches(source.File{Path: filepath.Join(dir, filepath.FromSlash(name)), Data: data})
		return built{path.Dir(name), patches, files}, len(patches)+len(files) > 0
	})
	var patches []links.Patch
	for _, k := range all {
		patches = append(patches, k.patches...)
		for _, file := range k.files {
			name := path.Join(k.at, file.Path)
			if !filepath.IsLocal(name) {
				continue
			}
			if data, err := f.Read(name); err == nil {
				patches = append(patches, file.Read(source.File{Path: filepath.Join(dir, filepath.FromSlash(name)), Data: data})...)
			}
		}
	}
	slices.SortFunc(patches, func(a, b links.Patch) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line)) })
	return patches
}
