package oci

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/migrate"
	"github.com/pinsetter/pinsetter/strict"
)

// kustomization moves a Kustomization whose GitRepository has an artifact.
func (t *translation) kustomization(user *object) {
	sourceRef := strict.Child(user.spec, "sourceRef")
	if textOf(sourceRef, "kind") != "GitRepository" || user.isPatch() {
		return
	}
	ref := pinsetter.Name{Namespace: textOf(sourceRef, "namespace"), Name: textOf(sourceRef, "name")}
	if ref.Namespace == "" {
		ref.Namespace = user.name.Namespace
	}
	artifact := t.artifactOf(ref)
	written := textOf(user.spec, "path")
	said := fmt.Sprintf("%q of GitRepository %s", written, strings.TrimPrefix(ref.String(), "/"))
	if artifact == nil {
		t.skip(user, said, "no artifact was named for that repository: --artifact %s=oci://HOST/NAME:TAG", strings.TrimPrefix(ref.String(), "/"))
		return
	}
	from, problem := nearest(user, t.find("GitRepository", ref))
	if problem != "" {
		t.skip(user, said, "GitRepository %s %s", strings.TrimPrefix(ref.String(), "/"), problem)
		return
	}
	below, edits, reason := t.repath(user, from, sourceRef, artifact)
	if reason != "" {
		t.skip(user, said, "%s", reason)
		return
	}
	p, reason := t.content(user, from, artifact)
	if reason != "" {
		t.skip(user, said, "%s", reason)
		return
	}
	if !slices.Contains(t.pushed, artifact) {
		t.pushed = append(t.pushed, artifact)
	}
	t.moves = append(t.moves, &move{
		user: user, from: from, source: p, artifact: artifact, edits: edits,
		entry: migrate.Entry{Path: user.file.Path, Line: user.line, Kind: user.kind, From: said,
			To: fmt.Sprintf("%q of OCIRepository %s: oci://%s, %s", below, strings.TrimPrefix(p.name.String(), "/"), artifact.Repository, artifact.ref(from))},
	})
}

func (t *translation) artifactOf(git pinsetter.Name) *Artifact {
	for i := range t.options.Artifacts {
		if a := &t.options.Artifacts[i]; a.Git.Name == git.Name && agree(a.Git.Namespace, git.Namespace) {
			return a
		}
	}
	return nil
}

// unknownArtifacts says of an artifact that no Kustomization takes.
func (t *translation) unknownArtifacts() {
	for _, a := range t.options.Artifacts {
		if len(t.find("GitRepository", a.Git)) == 0 {
			t.entries = append(t.entries, migrate.Entry{Kind: "artifact", From: strings.TrimPrefix(a.Git.String(), "/"), Skipped: "no such GitRepository is in these files"})
		}
	}
}

// repath returns the path of a Kustomization in the artifact, and the edits to its
// kind of source and path, or why it can't move.
func (t *translation) repath(user, from *object, sourceRef *strict.Node, artifact *Artifact) (below string, edits []edit, reason string) {
	written := strict.Child(user.spec, "path")
	at := strings.Trim(path.Clean("/"+strict.Text(written)), "/")
	inside := artifact.Path == "" || at == artifact.Path || strings.HasPrefix(at, artifact.Path+"/")
	below = "./" + strings.Trim(strings.TrimPrefix(at, artifact.Path), "/")
	switch patch := t.patched(user, "sourceRef"); {
	case user.isGenerated():
		return "", nil, "flux bootstrap writes this file anew: it stays with Git, from which it also gets its OCIRepository"
	case patch != "":
		return "", nil, patch + " patches its sourceRef"
	case strings.Contains(strict.Text(written)+textOf(sourceRef, "name"), "${"):
		return "", nil, "its path or source holds a variable"
	case !inside:
		return "", nil, fmt.Sprintf("its path is outside of %s, which is all that the artifact has", artifact.Path)
	}
	kind, plain := user.replace(strict.Child(sourceRef, "kind"), "OCIRepository")
	edits = append(edits, kind)
	if artifact.Path != "" {
		moved, found := user.replace(written, below)
		plain = plain && found && moved.from != kind.from
		edits = append(edits, moved)
	} else {
		below = strict.Text(written)
	}
	if !plain {
		return "", nil, "its sourceRef and path aren't written on lines of their own"
	}
	return below, edits, artifact.lacks(from)
}

// gitFields are the fields of a GitRepository that an artifact needs none of, or has
// too. CI checks submodules and large files out before it pushes.
var gitFields = []string{"url", "ref", "interval", "timeout", "suspend", "ignore", "secretRef", "provider", "proxySecretRef", "recurseSubmodules", "serviceAccountName", "gitImplementation"}

// lacks says what of a GitRepository would be lost, "" for nothing.
func (a Artifact) lacks(from *object) string {
	for _, f := range fieldsOf(from.spec) {
		switch field := f.Key.Value; {
		case field == "verify":
			return fmt.Sprintf("%s (%s) verifies commits, which an artifact doesn't have: sign what CI pushes, write an OCIRepository with verify by hand, and refer to it", from, from.place())
		case !slices.Contains(gitFields, field):
			return fmt.Sprintf("spec.%s of %s (%s) has no counterpart in an OCIRepository", field, from, from.place())
		case field == "ignore" && a.Path != "":
			return fmt.Sprintf("spec.ignore of %s (%s) is for the whole repository, and the artifact has %s alone: move it to that folder's .sourceignore", from, from.place(), a.Path)
		}
	}
	for _, f := range fieldsOf(strict.Child(from.spec, "ref")) {
		if !slices.Contains([]string{"branch", "tag", "semver"}, f.Key.Value) {
			return fmt.Sprintf("spec.ref.%s of %s (%s) has no counterpart in an OCIRepository", f.Key.Value, from, from.place())
		}
	}
	return ""
}

// ref returns the field of spec.ref, as "tag latest". A GitRepository that follows
// releases goes on to do so: semver wins over tag there too.
func (a Artifact) ref(from *object) string {
	for _, field := range []string{"semver", "tag"} {
		if value := textOf(strict.Child(from.spec, "ref"), field); value != "" {
			return field + " " + value
		}
	}
	return "tag " + a.Tag
}

// content returns the OCIRepository of an artifact: beside the GitRepository, or
// beside the first Kustomization if Flux writes that one's file.
func (t *translation) content(user, from *object, artifact *Artifact) (*proposal, string) {
	beside := from
	if from.isGenerated() {
		beside = user
	}
	field, value, _ := strings.Cut(artifact.ref(from), " ")
	said := ""
	if n := strict.Child(strict.Child(from.spec, "ref"), field); n != nil {
		said = comment(from.file.line(from.document.LineOf(n)))
	}
	s := map[string]any{"interval": "10m", "url": ociScheme + artifact.Repository, "ref": map[string]any{field: value}}
	copyFields(s, from.spec, "interval", "timeout", "suspend", "ignore")
	if artifact.Provider != "" {
		s["provider"] = artifact.Provider
	}
	if artifact.Secret != "" {
		s["secretRef"] = map[string]any{"name": artifact.Secret}
	}
	text := document(from.name, s, field, said)
	for _, m := range t.moves {
		if m.from == from && m.artifact == artifact {
			return m.source, "" // of the first Kustomization
		}
	}
	line, plain := beside.end()
	if !plain {
		return nil, beside.file.Path + " marks the ends of documents in a way in which nothing is inserted: write --- between them alone"
	}
	p := t.propose(from, beside.file, line, from.name.Namespace, []string{from.name.Name}, func(string) []byte { return text })
	if p == nil {
		return nil, fmt.Sprintf("an OCIRepository %s is there already: refer to it", from.name.Name)
	}
	return p, ""
}

// steps returns what is to do beside the edits.
func (t *translation) steps() []string {
	var steps []string
	moved := map[*object]bool{}
	var sources []*object
	charts := 0
	for _, m := range t.moves {
		moved[m.user] = true
		if m.artifact == nil {
			charts++
		}
		if !slices.Contains(sources, m.from) {
			sources = append(sources, m.from)
		}
	}
	for _, a := range t.pushed {
		steps = append(steps, a.step(t.find("GitRepository", a.Git)[0]))
	}
	for _, m := range t.moves {
		if m.artifact == nil && m.user.file != m.source.file && strings.Contains(string(m.source.text), "$imagepolicy") {
			steps = append(steps, fmt.Sprintf("see that the update.path of the automation covers %s: the marker of %s moves there", m.source.file.Path, m.user))
		}
	}
	if charts > 0 {
		steps = append(steps, "expect one upgrade of each HelmRelease that moves: with a chartRef the chart's version has its digest behind it")
	}
	for _, source := range sources {
		if secret := textOf(strict.Child(source.spec, "secretRef"), "name"); source.kind == "HelmRepository" && secret != "" {
			steps = append(steps, fmt.Sprintf("see that Secret %s of %s (%s) is of type kubernetes.io/dockerconfigjson: an OCIRepository takes no username and password", secret, source, source.place()))
		}
		users := t.users(source, moved)
		if source.isGenerated() {
			steps = append(steps, fmt.Sprintf("keep %s (%s): flux bootstrap writes it", source, source.place()))
			continue
		}
		if len(users) == 0 {
			steps = append(steps, fmt.Sprintf("remove %s (%s) when all is ready: nothing here uses it any more", source, source.place()))
			continue
		}
		steps = append(steps, fmt.Sprintf("keep %s (%s): %s (%s) uses it", source, source.place(), users[0], users[0].place()))
	}
	return steps
}

// step is what CI does to push the content of an artifact.
func (a Artifact) step(from *object) string {
	tag, when, revision := "$(git rev-parse --short HEAD)", "each commit, sign what it pushed, and move the tag", "$(git branch --show-current)@sha1:$(git rev-parse HEAD)"
	field, _, _ := strings.Cut(a.ref(from), " ")
	isRelease := field == "semver" || textOf(strict.Child(from.spec, "ref"), "tag") != ""
	if isRelease {
		tag, when = "$(git describe --tags --exact-match)", "each release, and sign what it pushed"
		revision = tag + "@sha1:$(git rev-parse HEAD)"
	}
	at := ociScheme + a.Repository + ":" + tag
	lines := []string{
		"let CI push " + when + ":",
		"  pinsetter artifact push " + at + " --path=./" + a.Path + " \\",
		`    --source="$(git config --get remote.origin.url)" --revision="` + revision + `"`,
		"  cosign sign --yes " + a.Repository + "@DIGEST",
	}
	if !isRelease {
		lines = append(lines, "  pinsetter artifact tag "+at+" --tag "+a.Tag)
	}
	return strings.Join(lines, "\n")
}
