package migrate

import (
	"encoding/json"

	"github.com/pinsetter/pinsetter/spec"
	"github.com/pinsetter/pinsetter/strict"
)

// JSON5 reads a document as encoding/json does.
func JSON5(data []byte) (any, error) {
	n, err := parseJSON5(data)
	if err != nil {
		return nil, err
	}
	return plainOf(n), nil
}

func plainOf(n *strict.Node) any {
	switch {
	case n.Kind == strict.Mapping:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainOf(n.Content[i+1])
		}
		return m
	case n.Kind == strict.Sequence:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plainOf(item))
		}
		return list
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case n.Tag == "!!str":
		return n.Value
	}
	var number float64
	if err := json.Unmarshal([]byte(n.Value), &number); err != nil {
		return n.Value
	}
	return number
}

// GlobPattern is globPattern.
func GlobPattern(glob string) string { return globPattern(glob) }

// Windows translates one schedule.
func Windows(text string) ([]spec.GateWindow, error) { return windowsOf([]string{text}, "") }
