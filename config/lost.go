package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// lostObject is where something stands that may be an object of ours and can't
// be read. What it may forbid isn't done.
type lostObject struct {
	namespace         string // "" where that isn't known either
	place             string // "path:line"
	gate, pullRequest bool   // what it may be
}

// lose remembers that an object which may be one of ours can't be read.
func (l *loader) lose(o *object, apiVersion string) {
	group, _, _ := strings.Cut(apiVersion, "/")
	kind := strings.TrimSuffix(o.kind, kindList)
	near := suggest(kind, ownKinds)
	lost := lostObject{
		place:       o.place(),
		gate:        kind == "" || near == kindGate,
		pullRequest: kind == "" || near == kindProposal,
	}
	ours := distance(group, ownGroup) <= 3
	if !lost.gate && !lost.pullRequest || !ours && (apiVersion != "" || !isOwnKind(kind)) {
		return
	}
	if kind == o.kind && kind != "" && validName(o.name.Namespace) {
		lost.namespace = o.name.Namespace
	}
	l.lost = append(l.lost, lost)
}

// What bytes that hold an object of ours have on some line.
var (
	gateWord        = regexp.MustCompile(`kind["']?\s*:\s*["']?Gate(List)?\b`)
	pullRequestWord = regexp.MustCompile(`kind["']?\s*:\s*["']?PullRequest(List)?\b`)
)

// loseBytes is lose for bytes that are not read.
func (l *loader) loseBytes(path string, line int, data []byte) {
	if !bytes.Contains(data, []byte(ownGroup+"/")) {
		return
	}
	lost := lostObject{
		place:       fmt.Sprintf("%s:%d", path, max(line, 1)),
		gate:        gateWord.Match(data),
		pullRequest: pullRequestWord.Match(data),
	}
	if lost.gate || lost.pullRequest {
		l.lost = append(l.lost, lost)
	}
}
