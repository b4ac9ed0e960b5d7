package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/lexer"
	"github.com/pinsetter/pinsetter/secret"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

// Load reads objects from files and resolves what they refer to. It never
// fails: what is wrong is in the set's Findings and in each object's Err, all at
// once, and a bad object takes only what needs it out of the run. Documents of
// other kinds are passed over.
func Load(files []source.File, opts Options) *fleet.Set {
	opts.Namespace = cmp.Or(opts.Namespace, "default")
	l := &loader{
		opts:       opts,
		schema:     strict.Schema{},
		patterns:   map[string]*pinsetter.Matcher{},
		objects:    map[objectKey]*object{},
		secrets:    map[pinsetter.Name]*givenSecret{},
		accounts:   map[pinsetter.Name]*account{},
		namespaces: map[string]*object{},
		gits:       map[pinsetter.Name]*gitDraft{},
		helms:      map[pinsetter.Name]*helmDraft{},
		resolved:   map[pinsetter.Name]*fleet.GitSource{},
		providers:  map[pinsetter.Name]*providerDraft{},
		sentTo:     map[pinsetter.Name]*fleet.Provider{},
		filled:     map[string]bool{},
	}
	h := digest{sha256.New()}
	h.addf("%q\n", opts.Namespace)
	if opts.NoCrossNamespaceRefs {
		h.addf("no cross-namespace references\n")
	}
	l.artifactsUsed = usesArtifacts(files)
	for _, f := range files {
		h.addf("%q %d\n", f.Path, len(f.Data))
		h.Write(f.Data)
		l.source = f.Source
		l.file(f)
	}
	l.unread()
	l.reportRenamings()
	l.openSecretDirs()
	defer l.closeSecretDirs()
	s := l.set()
	s.Fingerprint = hex.EncodeToString(h.Sum(nil))
	return s
}

// loader is one run of Load. First every document is decoded and checked by
// itself, then references are resolved.
type loader struct {
	opts     Options
	schema   strict.Schema
	patterns map[string]*pinsetter.Matcher
	findings []pinsetter.Finding // of no object
	source   string              // of the file that is read
	values   int                 // of the documents that may hold an object, as they are counted before they are parsed
	filled   map[string]bool     // sources that hold an object, or what may be one

	objects  map[objectKey]*object
	byName   map[objectKey][]*object // without namespace; built when first asked for
	unparsed []unparsed
	renaming []renaming // as the files come

	repositories []*repositoryDraft
	policies     []*policyDraft
	automations  []*automationDraft
	gates        []*gateDraft
	pullRequests []*pullRequestDraft
	lost         []lostObject
	gits         map[pinsetter.Name]*gitDraft
	artifacts    []*ociDraft

	// artifactsUsed says that an ArtifactAutomation may be among the objects.
	artifactsUsed bool

	helms      map[pinsetter.Name]*helmDraft
	resolved   map[pinsetter.Name]*fleet.GitSource
	receivers  []*receiverDraft
	alerts     []*alertDraft
	providers  map[pinsetter.Name]*providerDraft
	sentTo     map[pinsetter.Name]*fleet.Provider
	secrets    map[pinsetter.Name]*givenSecret
	accounts   map[pinsetter.Name]*account
	namespaces map[string]*object
	mounts     []*secret.Mount
}

type objectKey struct {
	kind string
	name pinsetter.Name
}

// unparsed is a document that may hold a Secret or the like and isn't YAML.
type unparsed struct {
	place string
	data  []byte
}

func (l *loader) file(f source.File) {
	if len(f.Data) > source.MaxFileBytes {
		l.fault(codeTooLarge, f.Path, 0, fmt.Sprintf("the file has more than %d MiB: split it", source.MaxFileBytes>>20))
		l.loseBytes(f.Path, 0, f.Data)
		return
	}
	if claim.IsElsewhere(f.Data) {
		l.fault(CodeUnread, f.Path, 1, "the file is a pointer of Git LFS, and its content may hold guards: nothing is written until it is there (git lfs pull), or the file is left out")
		l.lost = append(l.lost, lostObject{place: f.Path + ":1", guard: claim.AnyGuard, until: "its content is there"})
		return
	}
	if f.Stray != nil {
		l.findings = append(l.findings, pinsetter.Finding{
			Severity: pinsetter.Warning, Code: codeNoObject, Path: f.Path,
			Message: pinsetter.Printable(fmt.Sprintf("this is no Kubernetes object, for which Flux builds nothing of a folder without kustomization.yaml: move it, or write one: %v", f.Stray)),
		})
	}
	l.renamings(f)
	for _, c := range strict.Split(f.Data) {
		l.document(f, c)
	}
}

// encodingOf names the encoding of such a file by its byte order mark.
func encodingOf(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(data, []byte{0, 0, 0xfe, 0xff}):
		return "UTF-32"
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return "UTF-16 (little endian)"
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return "UTF-16 (big endian)"
	}
	return "not UTF-8"
}

func (l *loader) document(f source.File, c strict.Document) {
	path := f.Path
	if source.IsWide(c.Data) {
		if text := source.Narrow(c.Data); claim.MayHold(text) {
			l.fault(codeEncoding, path, f.Line(c.Line), fmt.Sprintf("the file is %s: save it as UTF-8", encodingOf(f.Data)))
			l.loseBytes(path, f.Line(c.Line), text)
		}
		return
	}
	if l.opts.OtherFlux && claim.IsOfFlux(c.Data) {
		l.filled[l.source] = true
	}
	if !claim.MayHold(c.Data) || l.tooMany(path, c) {
		return
	}
	n, failure := lexer.Read(c)
	if failure != nil {
		failure.Line = f.Line(failure.Line)
		l.unreadable(path, c, failure)
		return
	}
	if n == nil {
		return
	}
	left := strict.MaxTokens
	d := document{path: path, offset: c.Line - 1, template: strict.IsTemplate(c.Data), left: &left}
	if f.Lines != nil {
		relocate(n, d.offset, f)
		d.offset = 0
	}
	switch {
	case n.Kind == strict.Sequence:
		l.bareList(d, n)
		return
	case n.Kind == strict.Scalar && claim.GuardIn(c.Data) != 0:
		l.fault(codeType, path, c.Line, "the document is one text and no object: mend it (JSON has no comments)")
		l.loseBytes(path, c.Line, c.Data)
		return
	}
	l.object(d, n, "", "")
	if left < 0 {
		l.fault(codeTooLarge, path, c.Line, fmt.Sprintf("the document has more than %d values, its aliases expanded: write it without anchors and aliases", strict.MaxTokens))
		l.loseBytes(path, c.Line, c.Data)
	}
}

// maxValues bounds all documents together, as strict.MaxTokens does each: 10,000
// objects of 100 values.
const maxValues = 1_000_000

// tooMany reports whether a document isn't read since those before it have so many
// values. The first such is reported, and guards in all of them are missing.
func (l *loader) tooMany(path string, c strict.Document) bool {
	before := l.values
	l.values += pinsetter.CountNodes(c.Data)
	if l.values <= maxValues || before == 0 { // one alone has a bound of its own
		return false
	}
	if before <= maxValues {
		l.fault(codeTooLarge, path, c.Line, fmt.Sprintf("from here on no object is read, since there are more than %d values in them: hand in fewer files", maxValues))
	}
	l.loseBytes(path, c.Line, c.Data)
	return true
}

// relocate gives nodes the lines of the file that a build read. They are a tree.
func relocate(n *strict.Node, offset int, f source.File) {
	n.Line = f.Line(n.Line + offset)
	for _, child := range n.Content {
		relocate(child, offset, f)
	}
}

// document is where an object was found.
type document struct {
	path     string
	offset   int  // from the parser's line to the file's
	template bool // it has "{{"
	depth    int  // of lists around the object
	left     *int // nodes that may still be visited, aliases expanded
}

// unreadable reports a document that doesn't parse, if it claims to be ours.
func (l *loader) unreadable(path string, c strict.Document, failure *strict.Error) {
	message := failure.Err.Error()
	switch says := claim.Of(c.Data); {
	case says == claim.None && claim.GuardIn(c.Data) != 0:
	case says == claim.None:
		if claim.IsUnreadNotification(c.Data) {
			l.unreadableNotification(path, failure)
		}
		if claim.MayBeCore(c.Data) {
			l.unparsed = append(l.unparsed, unparsed{fmt.Sprintf("%s:%d", path, c.Line), c.Data})
		}
		return
	case says == claim.Core:
		l.unparsed = append(l.unparsed, unparsed{fmt.Sprintf("%s:%d", path, c.Line), c.Data})
		if failure.Code == codeYAML {
			message = "the document is not valid YAML" // the parser's words may quote a Secret
		}
	case says == claim.Flux:
		if strict.IsTemplate(c.Data) {
			message += "; it looks like a template: hand in what it renders to, or leave its folder out"
		}
	}
	l.fault(failure.Code, path, failure.Line, message)
	l.loseBytes(path, failure.Line, c.Data)
}

// bareList reports a document that is a list of objects.
func (l *loader) bareList(d document, n *strict.Node) {
	for _, item := range n.Content {
		item = strict.Target(item)
		apiVersion := strict.Text(strict.Child(item, "apiVersion"))
		if claim.IsNotification(apiVersion) && l.opts.Notifications != NotificationsUsed {
			continue
		}
		kind := strict.Text(strict.Child(item, "kind"))
		if claim.Classify(apiVersion, kind) == claim.ReadObject && !l.passesOver(kind) || claim.GuardBelow(item, d.left) != 0 {
			l.fault(codeType, d.path, item.Line+d.offset, "objects stand in a bare list: separate them with ---, or write kind: List with items")
			break
		}
	}
	if guard := claim.GuardBelow(n, d.left); guard != 0 {
		l.lost = append(l.lost, lostObject{place: fmt.Sprintf("%s:%d", d.path, n.Line+d.offset), guard: guard})
	}
}

// fault records an error that belongs to no object.
func (l *loader) fault(code, path string, line int, message string) {
	l.filled[l.source] = true
	l.findings = append(l.findings, pinsetter.Finding{
		Severity: pinsetter.Error, Code: code, Path: path, Line: line, Message: pinsetter.Printable(message),
	})
}

// set resolves what was loaded.
func (l *loader) set() *fleet.Set {
	s := &fleet.Set{}
	l.oneKind()
	repositories := make(map[pinsetter.Name]*repositoryDraft, len(l.repositories))
	for _, r := range l.repositories {
		l.resolveRepository(r)
		repositories[r.out.Name] = r
		s.Repositories = append(s.Repositories, r.out)
	}
	for _, p := range l.policies {
		l.resolvePolicy(p, repositories)
		s.Policies = append(s.Policies, p.out)
	}
	for _, a := range l.artifacts { // which automations need
		l.resolveOCI(a)
		if l.opts.Artifacts {
			s.Artifacts = append(s.Artifacts, a.out)
		}
	}
	l.apartAutomations()
	for _, a := range l.automations {
		l.resolveAutomation(a)
		s.Automations = append(s.Automations, a.out)
	}
	for _, g := range l.gates {
		l.resolveGate(g)
		s.Gates = append(s.Gates, g.out)
	}
	for _, p := range l.pullRequests { // all are attached before any is judged
		l.resolvePullRequest(p)
		s.PullRequests = append(s.PullRequests, p.out)
	}
	s.Sources = len(l.gits)
	s.PublicKeys = material(l, secret.PublicKeyFiles, (*secret.Reader).PublicKeys)
	s.Notations = material(l, secret.TrustPolicyFile, (*secret.Reader).Notation)
	s.TrustedRoots = material(l, secret.TrustedRootFile, (*secret.Reader).TrustedRoot)
	l.setNotifications(s)
	slices.SortFunc(s.Repositories, func(a, b *fleet.Repository) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Policies, func(a, b *fleet.Policy) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Automations, func(a, b *fleet.Automation) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Artifacts, func(a, b *fleet.OCISource) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.Gates, func(a, b *fleet.Gate) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(s.PullRequests, func(a, b *fleet.PullRequest) int { return a.Name.Compare(b.Name) })
	s.Missing = l.gaps(s)
	s.Findings = l.findings
	for _, o := range l.objects {
		for _, f := range o.said() {
			f.Object = pinsetter.Object{Kind: o.kind, Namespace: o.name.Namespace, Name: o.name.Name}
			s.Findings = append(s.Findings, f)
		}
	}
	slices.SortFunc(s.Findings, pinsetter.Finding.Compare)
	return s
}
