package migrate

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// The annotations of Argo CD Image Updater
// (https://argocd-image-updater.readthedocs.io/en/stable/configuration/images/).
const updaterPrefix = "argocd-image-updater.argoproj.io/"

// updater reads what Argo CD Image Updater is told into a translation.
type updater struct{ *translation }

// imageUpdater translates annotations of Applications and ImageUpdater objects.
func (t *translation) imageUpdater() {
	u := updater{t}
	apps := t.applications()
	annotated := false
	for _, a := range apps {
		annotated = u.annotations(a) || annotated
	}
	objects := u.objects(apps)
	if annotated {
		t.off = append(t.off, "take the annotations "+updaterPrefix+"* off the Applications")
	}
	if objects {
		t.off = append(t.off, "delete the ImageUpdater objects")
	}
	t.off = append(t.off,
		"stop Argo CD Image Updater before the first run: two writers undo each other's changes (kubectl -n argocd scale deployment argocd-image-updater --replicas=0)",
		"delete .argocd-source-*.yaml files, and parameters that it wrote into live Applications, once the values stand in Git: they win over what is in the files")
}

// annotations translates those of one Application, and reports whether it has any.
func (u updater) annotations(a application) bool {
	notes := map[string]strict.Field{}
	for _, f := range a.notes {
		if name, ours := strings.CutPrefix(f.Key.Value, updaterPrefix); ours {
			notes[name] = f
		}
	}
	list, ok := notes["image-list"]
	if !ok {
		return len(notes) > 0
	}
	text := func(names ...string) string {
		for _, name := range names {
			if f, ok := notes[name]; ok {
				return strings.TrimSpace(strict.Text(f.Value))
			}
		}
		return ""
	}
	to := target{app: a, method: text("write-back-method"), write: text("write-back-target"), repository: text("git-repository"), branch: text("git-branch")}
	if write := text("git-write-branch"); write != "" {
		to.branch += ":" + write
	}
	for item := range strings.SplitSeq(strict.Text(list.Value), ",") {
		alias, image := parseImage(item)
		if image.Name == "" {
			continue
		}
		key := strings.ReplaceAll(cmp.Or(alias, image.Name), "/", "_")
		of := func(option string) string { return text(key+"."+option, option) }
		s := imageSetting{
			at:    Entry{Path: a.file.Path, Line: a.document.LineOf(list.Key), Kind: "image", From: strings.TrimSpace(item)},
			image: image.Name, constraint: image.Tag, strategy: of("update-strategy"),
			allow: cmp.Or(of("allow-tags"), of("tag-match")), ignore: listed(of("ignore-tags")),
			secret: of("pull-secret"), platforms: listed(of("platforms")), force: of("force-update") == "true",
			helmName: text(key + ".helm.image-name"), helmTag: text(key + ".helm.image-tag"), helmSpec: text(key + ".helm.image-spec"),
			kustomize: text(key + ".kustomize.image-name"),
		}
		if s.kustomize == "" && strings.Contains(alias, "/") {
			s.kustomize = alias // the original image, as older versions have it
		}
		u.follow(to, s)
	}
	return true
}

// listed splits a list with commas.
func listed(text string) []string {
	var all []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// parseImage parses "[alias=]image[:constraint]".
func parseImage(text string) (alias string, image pinsetter.Image) {
	text = strings.TrimSpace(text)
	if before, after, found := strings.Cut(text, "="); found && !strings.ContainsAny(before, ":<>!~^") {
		alias, text = strings.TrimSpace(before), strings.TrimSpace(after)
	}
	if i := strings.IndexByte(text[strings.LastIndexByte(text, '/')+1:], ':'); i >= 0 {
		i += strings.LastIndexByte(text, '/') + 1
		return alias, pinsetter.Image{Name: text[:i], Tag: strings.TrimSpace(text[i+1:])}
	}
	return alias, pinsetter.Image{Name: text}
}

// objects translates ImageUpdater objects, and reports whether there are any.
func (u updater) objects(apps []application) bool {
	found := false
	for _, f := range u.files {
		for _, d := range f.sheet.Documents {
			if d.Root == nil || strict.Text(strict.Child(d.Root, "kind")) != "ImageUpdater" ||
				!strings.HasPrefix(strict.Text(strict.Child(d.Root, "apiVersion")), updaterPrefix) {
				continue
			}
			found = true
			spec := strict.Child(d.Root, "spec")
			refs := strict.Child(spec, "applicationRefs")
			if refs == nil || refs.Kind != strict.Sequence {
				continue
			}
			for _, ref := range refs.Content {
				at := Entry{Path: f.Path, Line: d.LineOf(ref), Kind: "image"}
				u.object(apps, at, spec, strict.Target(ref), d.LineOf)
			}
		}
	}
	return found
}

// object translates one of an ImageUpdater's applicationRefs.
func (u updater) object(apps []application, at Entry, spec, ref *strict.Node, lineOf func(*strict.Node) int) {
	pattern := strict.Text(strict.Child(ref, "namePattern"))
	at.From = "applicationRefs " + pattern
	if strict.Text(strict.Child(ref, "useAnnotations")) == "true" {
		u.say(at, "the annotations of its Applications")
		return
	}
	images := strict.Child(ref, "images")
	if images == nil || images.Kind != strict.Sequence {
		return
	}
	chosen, reason := chosen(apps, pattern, strict.Child(ref, "labelSelectors"))
	if reason != "" {
		u.skip(at, reason)
		return
	}
	write := writeBack(spec, ref)
	for _, n := range images.Content {
		n = strict.Target(n)
		s := objectSetting(spec, ref, n)
		s.at = Entry{Path: at.Path, Line: lineOf(n), Kind: "image", From: strict.Text(strict.Child(n, "imageName"))}
		for _, a := range chosen {
			to := write
			to.app = a
			u.follow(to, s)
		}
	}
}

// chosen returns the Applications that a reference selects.
func chosen(apps []application, pattern string, labels *strict.Node) ([]application, string) {
	if strict.Child(labels, "matchExpressions") != nil {
		return nil, "labelSelectors.matchExpressions are not read: write matchLabels, or one reference for each Application"
	}
	want := textsOf(strict.Child(labels, "matchLabels"))
	var all []application
	for _, a := range apps {
		match, err := path.Match(pattern, a.name)
		if err != nil {
			return nil, fmt.Sprintf("namePattern %q is no pattern", pattern)
		}
		for key, value := range want {
			match = match && a.labels[key] == value
		}
		if match {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, "no Application of this folder has such a name: run this where the Applications are, or add their files"
	}
	return all, ""
}

// writeBack returns where an ImageUpdater's reference writes.
func writeBack(spec, ref *strict.Node) target {
	var to target
	for _, n := range []*strict.Node{spec, ref} { // the latter wins
		config := strict.Child(n, "writeBackConfig")
		git := strict.Child(config, "gitConfig")
		to.method = cmp.Or(strict.Text(strict.Child(config, "method")), to.method)
		to.write = cmp.Or(strict.Text(strict.Child(git, "writeBackTarget")), to.write)
		to.repository = cmp.Or(strict.Text(strict.Child(git, "repository")), to.repository)
		to.branch = cmp.Or(strict.Text(strict.Child(git, "branch")), to.branch)
		if pull := strict.Child(git, "pullRequest"); pull != nil && pull.Kind == strict.Mapping {
			for _, f := range strict.Fields(pull) {
				to.proposal = f.Key.Value
			}
		}
	}
	return to
}

// objectSetting returns how an image of an ImageUpdater is followed: by its own
// settings, else its reference's, else the object's.
func objectSetting(spec, ref, image *strict.Node) imageSetting {
	field := func(name string) *strict.Node {
		for _, n := range []*strict.Node{image, ref, spec} {
			if f := strict.Child(strict.Child(n, "commonUpdateSettings"), name); f != nil {
				return f
			}
		}
		return nil
	}
	_, name := parseImage(strict.Text(strict.Child(image, "imageName")))
	helm := strict.Child(strict.Child(image, "manifestTargets"), "helm")
	return imageSetting{
		image: name.Name, constraint: name.Tag,
		strategy: strict.Text(field("updateStrategy")), allow: strict.Text(field("allowTags")), ignore: listOf(field("ignoreTags")),
		secret: strict.Text(field("pullSecret")), platforms: listOf(field("platforms")), force: strict.Text(field("forceUpdate")) == "true",
		helmName: strict.Text(strict.Child(helm, "name")), helmTag: strict.Text(strict.Child(helm, "tag")), helmSpec: strict.Text(strict.Child(helm, "spec")),
		kustomize: strict.Text(strict.Child(strict.Child(strict.Child(image, "manifestTargets"), "kustomize"), "name")),
	}
}

// follow translates one image of one Application.
func (u updater) follow(to target, s imageSetting) {
	places, reason := u.places(to, s)
	if len(places) == 0 {
		u.skip(s.at, reason)
		return
	}
	r, reason := s.rule(places)
	if reason != "" {
		u.skip(s.at, reason)
		return
	}
	if r.Delivery, reason = u.deliver(to); reason != "" {
		setting := s.at
		setting.Kind, setting.From = "write-back", cmp.Or(to.branch, to.method)
		u.skip(setting, reason)
	}
	u.pullSecret(s, r)
	for _, marks := range places {
		u.want(s.at, r, marks)
	}
}

// pullSecret translates the registry's credentials.
func (u updater) pullSecret(s imageSetting, r *rule) {
	kind, where, _ := strings.Cut(s.secret, ":")
	at := s.at
	at.Kind, at.From = "pull-secret", s.secret
	switch namespace, name, _ := strings.Cut(where, "/"); {
	case s.secret == "":
	case kind == "pullsecret" && objectName(name) == name:
		r.Secret = name
		if namespace != u.tree.Namespace {
			u.skip(at, "the Secret must be in namespace "+u.tree.Namespace+", beside its ImageRepository: copy it there, or choose its namespace with -n")
			return
		}
		u.say(at, "secretRef "+name)
	case kind == "secret":
		u.skip(at, "a Secret with user:password is none that an ImageRepository reads: make one of type kubernetes.io/dockerconfigjson, and name it in spec.secretRef")
	default:
		u.skip(at, "credentials of the updater's own pod are not in Git: make a Secret of type kubernetes.io/dockerconfigjson, and name it in spec.secretRef")
	}
}

// rule translates the update strategy. Places are where it is written.
func (s imageSetting) rule(places [][]mark) (*rule, string) {
	var r *rule
	switch cmp.Or(s.strategy, "semver") {
	case "semver":
		// Without a constraint it takes any version, prereleases too.
		r = versions(s.image, cmp.Or(s.constraint, ">=0.0.0-0"))
	case "alphabetical", "name":
		r = sorted(s.image)
	case "digest":
		if s.constraint == "" {
			return nil, "strategy digest needs a tag: write IMAGE:TAG"
		}
		return digestOf(s.image, s.constraint), ""
	case "newest-build", "latest":
		newest, reason := s.newest(places)
		if reason != "" {
			return nil, reason
		}
		r = newest
	default:
		return nil, fmt.Sprintf("update strategy %q is unknown", s.strategy)
	}
	if reason := s.filter(r); reason != "" {
		return nil, reason
	}
	if len(s.platforms) > 0 {
		r.add(platforms(s.platforms))
	}
	return r, ""
}

// filter translates allow-tags and ignore-tags.
func (s imageSetting) filter(r *rule) string {
	if s.allow != "" && s.allow != "any" {
		expr, is := strings.CutPrefix(s.allow, "regexp:")
		if _, err := regexp.Compile(expr); !is || err != nil {
			return fmt.Sprintf("allow-tags %q is no regexp:PATTERN, and so allows no tag", s.allow)
		}
		if r.Filter == nil {
			r.Filter = &spec.TagFilter{Pattern: expr}
		}
	}
	for _, glob := range s.ignore {
		if _, err := path.Match(glob, ""); err != nil {
			continue // Image Updater passes over a pattern that is none
		}
		r.Exclude = append(r.Exclude, globPattern(glob))
	}
	if len(r.Exclude) > 0 {
		if slices.Contains(s.ignore, "*") {
			return "ignore-tags * switches its updates off"
		}
		r.Exclude = append([]string{signatures}, r.Exclude...)
	}
	return ""
}

// globPattern translates a pattern of path.Match for tags, which have no slash.
func globPattern(glob string) string {
	var b strings.Builder
	b.WriteByte('^')
	for runes := []rune(glob); len(runes) > 0; {
		switch c := runes[0]; {
		case c == '*':
			b.WriteString(".*")
		case c == '?':
			b.WriteByte('.')
		case c == '\\' && len(runes) > 1:
			runes = runes[1:]
			b.WriteString(regexp.QuoteMeta(string(runes[0])))
		case c == '[':
			runes = class(&b, runes[1:])
			continue
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
		runes = runes[1:]
	}
	return b.String() + "$"
}

// class translates a class of characters, such as [^a-c], whose bracket is open,
// and returns what follows it.
func class(b *strings.Builder, runes []rune) []rune {
	b.WriteByte('[')
	if len(runes) > 0 && runes[0] == '^' {
		b.WriteByte('^')
		runes = runes[1:]
	}
	next := func() {
		if runes[0] == '\\' && len(runes) > 1 {
			runes = runes[1:]
		}
		fmt.Fprintf(b, `\x{%x}`, runes[0])
		runes = runes[1:]
	}
	for first := true; len(runes) > 0 && (first || runes[0] != ']'); first = false {
		next()
		if len(runes) > 1 && runes[0] == '-' {
			b.WriteByte('-')
			runes = runes[1:]
			next()
		}
	}
	b.WriteByte(']')
	if len(runes) > 0 {
		runes = runes[1:]
	}
	return runes
}

// deliver translates where the updater pushes. A reason is given for what looks
// different then.
func (u updater) deliver(to target) (delivery, string) {
	if !strings.HasPrefix(to.method, "git") {
		return delivery{}, ""
	}
	base, push, _ := strings.Cut(to.branch, ":")
	d := delivery{Base: base}
	if base == u.tree.Git.Branch {
		d.Base = ""
	}
	if to.proposal != "" {
		d.Proposal = &spec.PullRequestSpec{GroupBy: spec.GroupByAutomation, Provider: to.proposal}
	}
	reason := ""
	if strings.Contains(push, "{{") {
		fixed, _, _ := strings.Cut(push, "{{")
		fixed = cmp.Or(strings.Trim(fixed, "-_/"), "image-updates")
		reason = "a branch for each change has no counterpart: all changes go to branch " + fixed + " (or give a PullRequest object, which makes branches and proposes them)"
		push = fixed
	}
	d.Push = push
	if d.Base != "" || d.Push != "" || d.Proposal != nil {
		how := []string{commonDelivery, d.Base, d.Push}
		if d.Proposal != nil {
			how = append(how, "proposed")
		}
		d.Name = objectName(strings.Join(how, "-"))
	}
	return d, reason
}
