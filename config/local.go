package config

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
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
	for _, c := range split(data) {
		n, failure := parse(c)
		if failure != nil && isKustomization(path) {
			return fmt.Errorf("%s:%d: %w", path, failure.line, failure.err)
		}
		if n == nil || n.Kind != yaml.MappingNode {
			continue
		}
		left := maxTokens
		if err := measure(n, &left); err != nil {
			return fmt.Errorf("%s:%d: %w", path, c.line, err)
		}
		if apiVersion := child(n, "apiVersion"); !isKustomization(path) && text(apiVersion) != "builtin" && !isBinary(apiVersion) {
			continue
		}
		if err := checkEntries(n, false, func(n *yaml.Node) string { return fmt.Sprintf("%s:%d", path, c.line-1+n.Line) }); err != nil {
			return err
		}
	}
	return nil
}

// checkEntries walks a configuration; asPath says that scalars here are paths,
// and place where a node stands.
func checkEntries(n *yaml.Node, asPath bool, place func(*yaml.Node) string) error {
	n = target(n)
	if n.Kind == yaml.ScalarNode {
		return checkEntry(n, asPath, place)
	}
	if n.Kind == yaml.SequenceNode {
		for _, element := range n.Content {
			if err := checkEntries(element, asPath, place); err != nil {
				return err
			}
		}
		return nil
	}
	for _, f := range fields(n) {
		if err := checkField(f, place); err != nil {
			return err
		}
	}
	return nil
}

func checkField(f field, place func(*yaml.Node) string) error {
	if isKey(f.key.Value, inlineKeys) && f.value.Kind == yaml.SequenceNode {
		for _, element := range f.value.Content {
			if err := checkInline(target(element), place); err != nil {
				return err
			}
		}
	}
	return checkEntries(f.value, isKey(f.key.Value, pathKeys), place)
}

// checkInline checks the text of a generator or the like as a configuration.
func checkInline(n *yaml.Node, place func(*yaml.Node) string) error {
	if !strings.Contains(n.Value, "\n") && !strings.Contains(n.Value, "{") {
		return nil
	}
	for _, c := range split([]byte(n.Value)) {
		inner, failure := parse(c)
		left := maxTokens
		if failure != nil || inner == nil || inner.Kind != yaml.MappingNode || measure(inner, &left) != nil {
			continue // kustomize can't read it either
		}
		if err := checkEntries(inner, false, func(*yaml.Node) string { return place(n) }); err != nil {
			return err
		}
	}
	return nil
}

// checkEntry refuses a remote path. An entry of files may be written KEY=PATH, one
// of several lines is a configuration and not a path.
func checkEntry(n *yaml.Node, asPath bool, place func(*yaml.Node) string) error {
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
var remoteForm = regexp.MustCompile(`(?i)^\s*(git::|[a-z][a-z0-9+.-]*://|https?:|[a-z][a-z0-9-]*@|github\.com[/:])`)

func isRemote(entry string) bool {
	return remoteForm.MatchString(entry) || strings.Contains(entry, "://")
}

// isBinary reports whether a value is written in base64, which hides it.
func isBinary(n *yaml.Node) bool { return n != nil && n.Tag == "!!binary" }
