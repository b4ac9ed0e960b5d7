package message

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// leftOut are functions of sprig's hermetic set that no message needs: they
// make keys, hash passwords, encrypt, or return a different result each time.
var leftOut = []string{
	"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey",
	"genSignedCert", "genSignedCertWithKey", "buildCustomCert", "derivePassword", "bcrypt", "htpasswd",
	"encryptAES", "decryptAES", "shuffle", "randInt",
}

// functions returns the functions for a template's text. Each that it can call, whose
// name it has, spends budget on its arguments and its result, and refuses before it
// makes more than fits. Wrapping the others would take longer than most templates.
func functions(b *budget, text string) template.FuncMap {
	all := sprig.HermeticTxtFuncMap()
	for _, name := range leftOut {
		delete(all, name)
	}
	maps.Copy(all, template.FuncMap{
		// Builtin; listed here so that they are bounded like the others.
		"print": fmt.Sprint, "printf": fmt.Sprintf, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
		// sprig's versions use the order of maps.
		"keys": sortedKeys, "values": sortedValues,
	})
	for name, f := range all {
		if strings.Contains(text, name) {
			all[name] = b.wrap(reflect.ValueOf(f), guards[name]).Interface()
		}
	}
	return all
}

func sortedKeys(dicts ...map[string]any) []string {
	var keys []string
	for _, dict := range dicts {
		keys = slices.AppendSeq(keys, maps.Keys(dict))
	}
	slices.Sort(keys)
	return keys
}

// sortedValues returns the values sorted by key.
func sortedValues(dict map[string]any) []any {
	values := []any{}
	for _, key := range sortedKeys(dict) {
		values = append(values, dict[key])
	}
	return values
}

var errorType = reflect.TypeFor[error]()

// wrap returns f with accounting, and with an error as second result if f has
// none.
func (b *budget) wrap(f reflect.Value, guard guard) reflect.Value {
	t := f.Type()
	var in []reflect.Type
	for i := range t.NumIn() {
		in = append(in, t.In(i))
	}
	wrapped := reflect.FuncOf(in, []reflect.Type{t.Out(0), errorType}, t.IsVariadic())
	call := f.Call
	if t.IsVariadic() {
		call = f.CallSlice
	}
	fail := func(err error) []reflect.Value {
		return []reflect.Value{reflect.Zero(t.Out(0)), reflect.ValueOf(&err).Elem()}
	}
	return reflect.MakeFunc(wrapped, func(args []reflect.Value) []reflect.Value {
		if err := b.admit(args, guard); err != nil {
			return fail(err)
		}
		results := call(args)
		if len(results) == 2 && !results[1].IsNil() {
			return results
		}
		if _, err := b.weigh(results[0]); err != nil {
			return fail(err)
		}
		return []reflect.Value{results[0], reflect.Zero(errorType)}
	})
}

// admit spends the cost of a call. It returns an error if the budget is used
// up.
func (b *budget) admit(args []reflect.Value, guard guard) error {
	if err := b.spend(callCost); err != nil {
		return err
	}
	weight := 0
	for _, arg := range args {
		w, err := b.weigh(arg)
		if err != nil {
			return err
		}
		weight += w
	}
	if guard == nil {
		return nil
	}
	size, work := guard(args, weight)
	if size > maxValue {
		return errValue
	}
	return b.spend(work)
}
