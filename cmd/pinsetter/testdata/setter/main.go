// Command setter is the yardstick of BenchmarkRewrite: it sets marked values below a
// directory with the libraries that Flux's image-automation-controller uses, in the
// order of its package pkg/update: a walk that reads only files with the marker,
// kyaml's reader, a visit of every value, and kyaml's writer for the files that
// changed. It does less than Flux, which also follows the schema of every node.
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/fieldmeta"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const token = "$imagepolicy"

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: setter DIR NAMESPACE:POLICY VALUE")
		os.Exit(2)
	}
	fieldmeta.SetShortHandRef(token)
	openapi.SuppressBuiltInSchemaUse()
	if err := set(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// set writes value to every value below dir that setter marks.
func set(dir, setter, value string) error {
	name := fieldmeta.SetterDefinitionPrefix + setter
	s := &setAll{
		schema: &spec.Schema{SchemaProps: spec.SchemaProps{Definitions: spec.Definitions{name: {}}}},
		ref:    fieldmeta.DefinitionsPrefix + name,
		value:  value,
	}
	return kio.Pipeline{
		Inputs:  []kio.Reader{reader(dir)},
		Filters: []kio.Filter{s},
		Outputs: []kio.Writer{&kio.LocalPackageWriter{PackagePath: dir}},
	}.Execute()
}

// reader reads the files below a directory that hold the token.
type reader string

func (dir reader) Read() ([]*yaml.RNode, error) {
	var all []*yaml.RNode
	err := filepath.WalkDir(string(dir), func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext != ".yaml" && ext != ".yml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(`"`+token+`"`)) {
			return err
		}
		relative, err := filepath.Rel(string(dir), path)
		if err != nil {
			return err
		}
		r := &kio.ByteReader{
			DisableUnwrapping: true,
			Reader:            bytes.NewBuffer(data),
			SetAnnotations:    map[string]string{kioutil.PathAnnotation: relative},
			PreserveSeqIndent: true,
		}
		nodes, err := r.Read()
		all = append(all, nodes...)
		return err
	})
	return all, err
}

// setAll sets the values of one setter, and keeps the objects of the files in which
// one changed.
type setAll struct {
	schema     *spec.Schema
	ref, value string
}

func (s *setAll) Filter(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	files := make([]string, len(nodes))
	changed := map[string]bool{}
	for i, node := range nodes {
		path, _, err := kioutil.GetFileAnnotations(node)
		if err != nil {
			return nil, err
		}
		did, err := s.visit(node)
		if err != nil {
			return nil, err
		}
		files[i], changed[path] = path, changed[path] || did
	}
	var kept []*yaml.RNode
	for i, node := range nodes {
		if changed[files[i]] {
			kept = append(kept, node)
		}
	}
	return kept, nil
}

// visit sets the values below a node, and reports whether one changed.
func (s *setAll) visit(node *yaml.RNode) (changed bool, err error) {
	below := func(node *yaml.RNode) error {
		did, err := s.visit(node)
		changed = changed || did
		return err
	}
	switch node.YNode().Kind {
	case yaml.MappingNode:
		err = node.VisitFields(func(field *yaml.MapNode) error { return below(field.Value) })
	case yaml.SequenceNode:
		err = node.VisitElements(below)
	case yaml.ScalarNode:
		meta := fieldmeta.FieldMeta{SettersSchema: s.schema}
		if err := meta.Read(node); err != nil {
			return false, err
		}
		if meta.Schema.Ref.String() == s.ref && node.YNode().Value != s.value {
			node.YNode().Value, changed = s.value, true
		}
	}
	return changed, err
}
