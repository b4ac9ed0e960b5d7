package message

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"text/template"
	"text/template/parse"

	"github.com/pinsetter/pinsetter"
)

// templateName is the template's name in errors of text/template.
const templateName = "messageTemplate"

// compiled is a template that was parsed. It is safe for concurrent use.
type compiled struct {
	parsed *template.Template
	text   string
}

// compile parses a template and builds counting into it.
func compile(text string) (*compiled, error) {
	if len(text) > maxSource {
		return nil, fmt.Errorf("the template is %d bytes long: at most %d are read", len(text), maxSource)
	}
	t, err := template.New(templateName).Funcs(functions(&budget{}, text)).Parse(text)
	if err != nil {
		return nil, readable(err)
	}
	for _, defined := range t.Templates() {
		if defined.Tree != nil && defined.Root != nil {
			instrumentTemplate(defined.Root)
		}
	}
	return &compiled{t, text}, nil
}

// render executes the template, on a budget of its own.
func (c *compiled) render(d any) (string, error) {
	t, err := c.parsed.Clone()
	if err != nil {
		return "", err
	}
	b := &budget{}
	// The functions that count come after parsing, so that the template itself
	// can't call them.
	t.Funcs(functions(b, c.text)).Funcs(template.FuncMap{enterFunc: b.enter, leaveFunc: b.leave, turnFunc: b.turn, outFunc: b.out})
	var out boundedBuffer
	if err := t.Execute(&out, d); err != nil {
		return "", readable(err)
	}
	return out.String(), nil
}

// The functions that the accounting adds to a template.
const (
	enterFunc = "_enter" // at the beginning of each template
	leaveFunc = "_leave" // at its end
	turnFunc  = "_turn"  // at the beginning of each turn of a range
	outFunc   = "_out"   // around each value that is printed
)

// callCost is the cost of a call besides its arguments, in steps: a
// microsecond, while a step is a tenth of one.
const callCost = 10

func (b *budget) enter() (string, error) {
	b.nested++
	if b.nested > maxNested {
		return "", errNested
	}
	return "", b.spend(callCost)
}

func (b *budget) leave() string {
	b.nested--
	return ""
}

func (b *budget) turn() (string, error) { return "", b.spend(callCost) }

func (b *budget) out(v any) (any, error) {
	_, err := b.weigh(reflect.ValueOf(v))
	return v, errors.Join(err, b.spend(callCost))
}

// instrumentTemplate adds the accounting to the body of a template.
func instrumentTemplate(body *parse.ListNode) {
	instrument(body)
	body.Nodes = slices.Concat(
		[]parse.Node{callNode(enterFunc, body.Pos)},
		body.Nodes,
		[]parse.Node{callNode(leaveFunc, body.Pos)},
	)
}

// instrument adds the accounting to the nodes of a list, which may be nil.
func instrument(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, commandNode(outFunc, n.Pos))
			}
		case *parse.IfNode:
			instrument(n.List)
			instrument(n.ElseList)
		case *parse.WithNode:
			instrument(n.List)
			instrument(n.ElseList)
		case *parse.RangeNode:
			instrument(n.List)
			instrument(n.ElseList)
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(callNode(turnFunc, n.Pos)))
		}
	}
}

// callNode returns the node for "{{name}}".
func callNode(name string, pos parse.Pos) *parse.ActionNode {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: pos, Cmds: []*parse.CommandNode{commandNode(name, pos)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: pos, Pipe: pipe}
}

func commandNode(name string, pos parse.Pos) *parse.CommandNode {
	identifier := parse.NewIdentifier(name).SetPos(pos)
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{identifier}}
}

var (
	errorPlace    = pinsetter.Pattern(`^template: ` + templateName + `:(\d+)(?::\d+)?: (?:executing "` + templateName + `" )?((?s).*)$`)
	errorFunction = pinsetter.Pattern(`^function "(\w+)" not defined$`)
	errorField    = pinsetter.Pattern(`can't evaluate field (\w+) in type `)
)

// unknownField says that a template uses a field that doesn't exist for any
// data.
type unknownField struct{ line, name string }

func (e *unknownField) Error() string {
	return fmt.Sprintf("line %s: there is no field %s there", e.line, e.name)
}

// readable returns an error of text/template with only its line and reason.
func readable(err error) error {
	match := errorPlace().FindStringSubmatch(err.Error())
	if match == nil {
		return err
	}
	line, text := match[1], match[2]
	for _, bound := range []error{errWork, errOutput, errValue, errDepth, errNested} {
		if errors.Is(err, bound) {
			return fmt.Errorf("line %s: %w", line, bound)
		}
	}
	if f := errorFunction().FindStringSubmatch(text); f != nil && slices.Contains(leftOut, f[1]) {
		text += ": functions that generate keys, hash passwords or return random values are left out"
	}
	if f := errorField().FindStringSubmatch(text); f != nil {
		return &unknownField{line, f[1]}
	}
	return fmt.Errorf("line %s: %s", line, text)
}
