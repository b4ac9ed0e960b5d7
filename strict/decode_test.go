package strict_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter/strict"
)

// menu is a kind that nobody else knows.
type menu struct {
	Name   string                  `json:"name"`
	Dishes []dish                  `json:"dishes"`
	Prices map[string]string       `json:"prices"`
	Opens  time.Time               `json:"opens"`
	Served struct{ time.Duration } `json:"served"`
	Closed *bool                   `json:"closed"`
	Seats  *int64                  `json:"seats"`
	Nested struct {
		Deep string `json:"deep"`
	} `json:"nested"`
}

type dish struct {
	Name string `json:"name"`
}

// said collects what is reported.
type said struct {
	node   *strict.Node
	offset int
	all    []string
}

func (s *said) Report(code string, line int, path, text string) {
	s.all = append(s.all, fmt.Sprintf("%d %s %s: %s", line, code, path, text))
}
func (s *said) Full() bool           { return false }
func (s *said) Line(path string) int { return strict.Locate(s.node, s.node.Line, path) + s.offset }
func (s *said) Hint(string) string   { return "" }

func decode(t *testing.T, text string) (menu, []string) {
	t.Helper()
	var m menu
	documents := strict.Split([]byte(text))
	last := documents[len(documents)-1]
	node, failure := last.Parse()
	if failure != nil {
		return m, []string{fmt.Sprintf("%d %s: %v", failure.Line, failure.Code, failure.Err)}
	}
	to := &said{node: node, offset: last.Line - 1}
	d := strict.Decoder{Schema: strict.Schema{}, To: to, Offset: to.offset, Root: reflect.TypeFor[menu]()}
	d.Decode(node, reflect.ValueOf(&m).Elem(), "")
	return m, to.all
}

func TestDecode(t *testing.T) {
	m, all := decode(t, "ignored: [\n---\nname: Lunch\ndishes: [{name: soup}]\nprices: {soup: \"4\"}\nopens: 2026-12-24T11:00:00Z\nserved: 1h30m\nclosed: no\nseats: 40\nnested: {deep: x}\n")
	if all != nil {
		t.Fatal(all)
	}
	if m.Name != "Lunch" || len(m.Dishes) != 1 || m.Dishes[0].Name != "soup" || m.Prices["soup"] != "4" || m.Opens.Hour() != 11 ||
		m.Served.Duration != 90*time.Minute || m.Closed == nil || *m.Closed || m.Nested.Deep != "x" || m.Seats == nil || *m.Seats != 40 {
		t.Errorf("%+v", m)
	}
}

func TestDecodeSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\n---\n\ntitel: x\n":        `4 unknown-field titel: the field does not exist; fields here are closed, dishes, name, nested, opens, prices, seats, served`,
		"name: x\nname: y\n":             "2 duplicate-key name: the key is already on line 1: remove one of them",
		"name: 5\n":                      "1 type name: is the number 5, and should be text: put it in quotes",
		"dishes:\n- name: a\n- {}\n- \n": "4 missing-field dishes[2]: is empty (null): write a value, or leave it out",
		"dishes: {name: a}\n":            "1 type dishes: is a mapping, and should be a list",
		"closed: \"yes\"\n":              `1 type closed: is the text "yes", and should be true or false, without quotes`,
		"seats: \"40\"\n":                `1 type seats: is the text "40", and should be a whole number, without quotes`,
		"seats: 4.5\n":                   "1 type seats: is the number 4.5, and should be a whole number, without quotes",
		"served: 2d\n":                   `1 duration served: "2d" is not a duration: write numbers with ms, s, m or h, such as "48h"`,
		"opens: today\n":                 `1 time opens: "today" is not a time: write RFC 3339 with a zone, such as "2026-12-24T00:00:00Z"`,
		"deep: x\n":                      "1 unknown-field deep: the field does not exist; did you mean nested.deep?",
		"name: [\n":                      "1 yaml: did not find expected node content",
		"name: x\ndishes:\n\t- a\n":      "3 yaml: a tab indents the line: YAML wants blanks",
		"name: x\n\tprices: 1\n":         "2 yaml: a tab indents the line: YAML wants blanks",
		"name: @x\n":                     "1 yaml: found character that cannot start any token; write a value that begins with @ in quotes",
		"name: \xff\n":                   "1 encoding: the document isn't UTF-8: save it as UTF-8",
	} {
		if _, all := decode(t, text); len(all) != 1 || all[0] != want {
			t.Errorf("%q:%s", text, cmp.Diff([]string{want}, all))
		}
	}
}
