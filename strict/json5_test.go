package strict_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/strict"
)

// FuzzJSON5 holds that what is JSON is read as JSON's own reader does.
func FuzzJSON5(f *testing.F) {
	for _, seed := range []string{
		`{"a": [1, -2.5e3, true, null, "x\u00e9\ud83d\ude00\n"], "b": {}}`, "// c\n{a: 'b', /* d */ 'e': +.5, f: 0x1F, g: Infinity,}", "[[[[", `"\`, "{a:1", "{'a\\\nb': 1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got *strict.Node
		var err error
		budget.Affords(t, len(data), func() { got, err = strict.JSON5(data) })
		var want any
		if !json.Valid(data) || json.Unmarshal(data, &want) != nil {
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), "levels") || strings.Contains(err.Error(), "UTF-8") {
				return
			}
			t.Fatalf("%q: %v", data, err)
		}
		text, err := json.Marshal(plainOf(got))
		if err != nil {
			t.Fatal(err)
		}
		var back any
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		wantText, _ := json.Marshal(want)
		backText, _ := json.Marshal(back)
		if string(wantText) != string(backText) {
			t.Fatalf("%q: %s, and JSON says %s", data, backText, wantText)
		}
	})
}

// plainOf returns a node as encoding/json does.
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
