package kustomize

import (
	"bytes"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/strict"
)

// pathKeys are the keys of kustomizations and of the configurations of its
// plugins whose values are, or lead to, paths that kustomize would fetch if they
// were remote (kustomize 5: api/types/kustomization.go, api/internal/loader).
var pathKeys = []string{
	"resources", "bases", "components", "crds", "configurations", "generators", "transformers", "validators",
	"patchesStrategicMerge", "paths", "files", "envs", "env", "path", "openapi", "valuesFile", "additionalValuesFiles",
}

// inlineKeys are those of pathKeys under which whole configurations may stand as
// text.
var inlineKeys = []string{"generators", "transformers", "validators"}

// isKey reports whether kustomize, which reads keys in any case, takes key for
// one of names.
func isKey(key string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(key, name) })
}

// checkLocal reports the first remote entry of a kustomization or of a plugin's
// configuration. Other files may hold what they like.
func checkLocal(path string, data []byte) error {
	if !isKustomization(path) && !bytes.Contains(data, []byte("builtin")) && !bytes.ContainsAny(data, `\!`) {
		return nil // no plugin's configuration, not even by escapes or tags
	}
	for _, c := range strict.Split(data) {
		n, failure := c.Parse()
		if failure != nil && isKustomization(path) {
			return fmt.Errorf("%s:%d: %w", path, failure.Line, failure.Err)
		}
		if n == nil || n.Kind != strict.Mapping {
			continue
		}
		left := strict.MaxTokens
		if err := strict.Measure(n, &left); err != nil {
			return fmt.Errorf("%s:%d: %w", path, c.Line, err)
		}
		if apiVersion := strict.Child(n, "apiVersion"); !isKustomization(path) && strict.Text(apiVersion) != "builtin" && !isBinary(apiVersion) {
			continue
		}
		if err := checkEntries(n, false, func(n *strict.Node) string { return fmt.Sprintf("%s:%d", path, c.Line-1+n.Line) }); err != nil {
			return err
		}
	}
	return nil
}

// checkEntries walks a configuration; asPath says that scalars here are paths,
// and place where a node stands.
func checkEntries(n *strict.Node, asPath bool, place func(*strict.Node) string) error {
	n = strict.Target(n)
	if n.Kind == strict.Scalar {
		return checkEntry(n, asPath, place)
	}
	if n.Kind == strict.Sequence {
		for _, element := range n.Content {
			if err := checkEntries(element, asPath, place); err != nil {
				return err
			}
		}
		return nil
	}
	for _, f := range strict.Fields(n) {
		if err := checkField(f, place); err != nil {
			return err
		}
	}
	return nil
}

func checkField(f strict.Field, place func(*strict.Node) string) error {
	if isKey(f.Key.Value, inlineKeys) && f.Value.Kind == strict.Sequence {
		for _, element := range f.Value.Content {
			if err := checkInline(strict.Target(element), place); err != nil {
				return err
			}
		}
	}
	return checkEntries(f.Value, isKey(f.Key.Value, pathKeys), place)
}

// checkInline checks the text of a generator or the like as a configuration.
func checkInline(n *strict.Node, place func(*strict.Node) string) error {
	if !strings.Contains(n.Value, "\n") && !strings.Contains(n.Value, "{") {
		return nil
	}
	for _, c := range strict.Split([]byte(n.Value)) {
		inner, failure := c.Parse()
		left := strict.MaxTokens
		if failure != nil || inner == nil || inner.Kind != strict.Mapping || strict.Measure(inner, &left) != nil {
			continue // kustomize can't read it either
		}
		if err := checkEntries(inner, false, func(*strict.Node) string { return place(n) }); err != nil {
			return err
		}
	}
	return nil
}

// checkEntry refuses a remote path. An entry of files may be written KEY=PATH, one
// of several lines is a configuration and not a path.
func checkEntry(n *strict.Node, asPath bool, place func(*strict.Node) string) error {
	if !asPath || strings.Contains(strings.TrimSpace(n.Value), "\n") {
		return nil
	}
	_, value, _ := strings.Cut(n.Value, "=")
	if !isRemote(n.Value) && !isRemote(value) && !isBinary(n) {
		return nil
	}
	shown := n.Value
	if u, err := url.Parse(n.Value); err == nil {
		shown = u.Redacted()
	}
	return fmt.Errorf("%s: %q is remote, and nothing is fetched: copy it into the repository, "+
		"or build yourself and pipe the result in (kustomize build | pinsetter … -f -)", place(n), shown)
}

// remoteForm is what kustomize takes for a remote repository or file:
// a URL, host and path as for scp, or GitHub without scheme.
var remoteForm = pinsetter.Pattern(`(?i)^\s*(git::|[a-z][a-z0-9+.-]*://|https?:|[a-z][a-z0-9-]*@|github\.com[/:])`)

func isRemote(entry string) bool {
	return remoteForm().MatchString(entry) || strings.Contains(entry, "://")
}

// isBinary reports whether a value is written in base64, which hides it.
func isBinary(n *strict.Node) bool { return n != nil && n.Tag == "!!binary" }
