package lint

import (
	"context"
	"path"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/setters"
)

// elsewhereSize bounds the bytes of a file that is looked at for markers though
// its name says that nobody reads them. Settings are smaller.
const elsewhereSize = 1 << 20

// writing are the ends of names of files that write about markers, and mark
// nothing: documentation and programs.
var writing = map[string]bool{
	".md": true, ".mdx": true, ".markdown": true, ".rst": true, ".adoc": true, ".asciidoc": true, ".txt": true, ".html": true, ".htm": true, ".txtar": true,
	".go": true, ".py": true, ".js": true, ".mjs": true, ".cjs": true, ".ts": true, ".jsx": true, ".tsx": true, ".vue": true, ".map": true, ".java": true, ".kt": true,
	".scala": true, ".rs": true, ".rb": true, ".php": true, ".cs": true, ".c": true, ".h": true, ".cpp": true, ".cc": true, ".swift": true, ".lua": true, ".pl": true,
}

// isElsewhere reports whether a marker in a file of this name would be a mistake:
// markers are not looked for in it.
func isElsewhere(name string) bool {
	return !setters.IsCandidate(name) && !writing[strings.ToLower(path.Ext(name))]
}

// elsewhere warns of the markers below dir that stand in files which are not
// searched, once a file. What can't be read there, or is large, is passed over:
// nothing depends on it.
func (l *linter) elsewhere(ctx context.Context, dir string, f *folder.Folder) error {
	type marked struct {
		path string
		line int
	}
	options := folder.Options{Want: isElsewhere, Screen: setters.HasToken, MaxSize: elsewhereSize}
	found, _ := folder.Each(ctx, f, options, func(path string, data []byte) (marked, bool) {
		line := setters.AttemptLine(data)
		return marked{path, line}, line > 0
	})
	for _, m := range found {
		if !l.first(filepath.Join(dir, filepath.FromSlash(m.path))) {
			continue
		}
		l.report.Findings = append(l.report.Findings, pinsetter.Finding{
			Severity: pinsetter.Warning, Code: "marker-elsewhere", Path: filepath.Join(dir, filepath.FromSlash(m.path)), Line: m.line,
			Message: "the marker is without effect: markers are looked for in files whose name ends in .yaml or .yml, in lower case, or is Kustomization",
		})
	}
	return context.Cause(ctx)
}
