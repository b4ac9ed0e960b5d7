package strict

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// Encode returns v as a YAML document: maps sorted by key, two blanks deep,
// texts in quotes where a reader of YAML 1.1 or 1.2 needs them.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}
