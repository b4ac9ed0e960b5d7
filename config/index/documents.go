package index

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/claim"
	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/lexer"
	"github.com/pinsetter/pinsetter/source"
	"github.com/pinsetter/pinsetter/strict"
)

func (x *Index) file(f source.File) {
	if len(f.Data) > source.MaxFileBytes {
		x.Fault(strict.CodeTooLarge, f.Path, 0, fmt.Sprintf("the file has more than %d MiB: split it", source.MaxFileBytes>>20))
		x.loseBytes(f.Path, 0, f.Data)
		return
	}
	if claim.IsElsewhere(f.Data) {
		x.Fault(source.CodeUnread, f.Path, 1, "the file is a pointer of Git LFS, and its content may hold guards: nothing is written until it is there (git lfs pull), or the file is left out")
		x.Lost = append(x.Lost, Lost{Place: f.Path + ":1", Guard: claim.AnyGuard, Until: "its content is there"})
		return
	}
	if f.Stray != nil {
		x.Findings = append(x.Findings, pinsetter.Finding{
			Severity: pinsetter.Warning, Code: CodeNoObject, Path: f.Path,
			Message: pinsetter.Printable(fmt.Sprintf("this is no Kubernetes object, for which Flux builds nothing of a folder without kustomization.yaml: move it, or write one: %v", f.Stray)),
		})
	}
	x.renamings(f)
	for _, c := range strict.Split(f.Data) {
		x.document(f, c)
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

func (x *Index) document(f source.File, c strict.Document) {
	path := f.Path
	if source.IsWide(c.Data) {
		if text := source.Narrow(c.Data); claim.MayHold(text) {
			x.Fault(strict.CodeEncoding, path, f.Line(c.Line), fmt.Sprintf("the file is %s: save it as UTF-8", encodingOf(f.Data)))
			x.loseBytes(path, f.Line(c.Line), text)
		}
		return
	}
	if x.opts.OtherFlux && claim.IsOfFlux(c.Data) {
		x.filled[x.source] = true
	}
	if !claim.MayHold(c.Data) || x.tooMany(path, c) {
		return
	}
	n, failure := lexer.Read(c)
	if failure != nil {
		failure.Line = f.Line(failure.Line)
		x.unreadable(path, c, failure)
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
		x.bareList(d, n)
	case n.Kind == strict.Scalar && claim.GuardIn(c.Data) != 0:
		x.Fault(strict.CodeType, path, c.Line, "the document is one text and no object: mend it (JSON has no comments)")
		x.loseBytes(path, c.Line, c.Data)
		return
	default:
		x.object(d, n, "", "")
	}
	if left < 0 {
		x.Fault(strict.CodeTooLarge, path, c.Line, fmt.Sprintf("the document has more than %d values, its aliases expanded: write it without anchors and aliases", strict.MaxTokens))
		x.loseBytes(path, c.Line, c.Data)
	}
}

// maxValues bounds all documents together, as strict.MaxTokens does each: 10,000
// objects of 100 values.
const maxValues = 1_000_000

// tooMany reports whether a document isn't read since those before it have so many
// values. The first such is reported, and guards in all of them are missing.
func (x *Index) tooMany(path string, c strict.Document) bool {
	before := x.values
	x.values += pinsetter.CountNodes(c.Data)
	if x.values <= maxValues || before == 0 { // one alone has a bound of its own
		return false
	}
	if before <= maxValues {
		x.Fault(strict.CodeTooLarge, path, c.Line, fmt.Sprintf("from here on no object is read, since there are more than %d values in them: hand in fewer files", maxValues))
	}
	x.loseBytes(path, c.Line, c.Data)
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
func (x *Index) unreadable(path string, c strict.Document, failure *strict.Error) {
	message := failure.Err.Error()
	switch says := claim.Of(c.Data); {
	case says == claim.None && claim.GuardIn(c.Data) != 0:
	case says == claim.None:
		if claim.IsUnreadNotification(c.Data) {
			x.unreadableNotification(path, failure)
		}
		if claim.MayBeCore(c.Data) {
			x.Unparsed = append(x.Unparsed, Unparsed{fmt.Sprintf("%s:%d", path, c.Line), c.Data})
		}
		return
	case says == claim.Core:
		x.Unparsed = append(x.Unparsed, Unparsed{fmt.Sprintf("%s:%d", path, c.Line), c.Data})
		if failure.Code == strict.CodeYAML {
			message = "the document is not valid YAML" // the parser's words may quote a Secret
		}
	case says == claim.Flux:
		if strict.IsTemplate(c.Data) {
			message += "; it looks like a template: hand in what it renders to, or leave its folder out"
		}
	}
	x.Fault(failure.Code, path, failure.Line, message)
	x.loseBytes(path, failure.Line, c.Data)
}

// bareList reports a document that is a list of objects.
func (x *Index) bareList(d document, n *strict.Node) {
	for _, item := range n.Content {
		item = strict.Target(item)
		apiVersion := strict.Text(strict.Child(item, "apiVersion"))
		if claim.IsNotification(apiVersion) && (x.opts.NoNotifications || x.opts.Advisory) {
			continue
		}
		kind := strict.Text(strict.Child(item, "kind"))
		if claim.Classify(apiVersion, kind) == claim.ReadObject && !x.passesOver(kind) || claim.GuardBelow(item, d.left) != 0 {
			x.Fault(strict.CodeType, d.path, item.Line+d.offset, "objects stand in a bare list: separate them with ---, or write kind: List with items")
			break
		}
	}
	if guard := claim.GuardBelow(n, d.left); guard != 0 {
		x.Lost = append(x.Lost, Lost{Place: fmt.Sprintf("%s:%d", d.path, n.Line+d.offset), Guard: guard})
	}
}

// Fault records an error that belongs to no object.
func (x *Index) Fault(code, path string, line int, message string) {
	x.filled[x.source] = true
	x.Findings = append(x.Findings, pinsetter.Finding{
		Severity: pinsetter.Error, Code: code, Path: path, Line: line, Message: pinsetter.Printable(message),
	})
}

// unreadableNotification reports such a document.
func (x *Index) unreadableNotification(path string, failure *strict.Error) {
	o := &Object{Origin: fleet.Origin{Path: path, Line: failure.Line}, advisory: x.opts.Advisory}
	if !x.opts.NoNotifications {
		o.Add(pinsetter.Finding{Severity: pinsetter.Error, Code: failure.Code, Path: path, Line: failure.Line, Message: failure.Err.Error()})
		x.Findings = append(x.Findings, o.Said()...)
	}
}

// passesOver reports whether objects of a kind, or lists of them, are not asked for.
func (x *Index) passesOver(kind string) bool {
	return strings.TrimSuffix(kind, claim.KindList) == claim.KindOCIRepository && !x.opts.Artifacts && !x.ArtifactsUsed
}

// onlyUsed reports whether objects of a kind matter only where another one leads to
// them: what is wrong with one is said of that.
func (o Options) onlyUsed(kind string) bool {
	return kind == claim.KindHelmRepository || kind == claim.KindOCIRepository && !o.Artifacts
}

// usesArtifacts reports whether an ArtifactAutomation may be in files.
func usesArtifacts(files []source.File) bool {
	return slices.ContainsFunc(files, func(f source.File) bool { return bytes.Contains(f.Data, []byte(claim.KindArtifactAutomation)) })
}
