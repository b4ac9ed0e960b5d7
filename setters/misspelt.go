package setters

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/pinsetter/pinsetter"
)

// nearMisses reports the near misses among the comments of a chunk. If
// documents don't parse, every "#" counts as a comment's.
func (s *search) nearMisses(documents []*yaml.Node) {
	var comments map[string]bool
	for m := range nearMisses(s.data) {
		if comments == nil && documents != nil {
			comments = map[string]bool{}
			for _, document := range documents {
				nearComments(document, comments)
			}
		}
		line := bytes.LastIndexAny(s.data[:m.at], "\n\r") + 1
		if !isCommentedOut(s.data[line:m.at]) && (documents == nil || comments[m.text]) {
			s.file.report(pinsetter.Error, CodeMisspelt, s.tokens.lineAt(m.at), "%s", m.message())
		}
	}
}

// nearComments adds the near misses in the comments of a node and its
// descendants.
func nearComments(node *yaml.Node, to map[string]bool) {
	for _, comment := range []string{node.HeadComment, node.LineComment, node.FootComment} {
		if comment == "" {
			continue
		}
		for m := range nearMisses([]byte(comment)) {
			to[m.text] = true
		}
	}
	for _, child := range node.Content {
		nearComments(child, to)
	}
}

// misspelt returns the message about a marker's key.
func misspelt(key, setter string) string {
	return fmt.Sprintf("the marker is without effect: its key is %q: write exactly %s", key, form(setter))
}

// form returns a correctly written marker.
func form(setter string) string {
	setter = strings.Replace(setter, "/", ":", 1)
	if _, err := parseSetter(setter); err != nil {
		setter = "namespace:policy"
	}
	return fmt.Sprintf(`# {%q: %q}`, token, setter)
}

// isNear reports whether a key is the right one except for case, punctuation,
// the plural and up to two letters.
func isNear(key string) bool {
	if len(key) > 40 {
		return false
	}
	letters := make([]rune, 0, len(token))
	for _, r := range key {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			letters = append(letters, unicode.ToLower(r))
		}
	}
	return distance(letters, []rune("imagepolicy")) <= 2 || distance(letters, []rune("imagepolicies")) <= 2
}

// distance returns the edit distance of two words: letters added, removed or
// replaced.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range b {
			cost := diagonal
			if r != s {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
