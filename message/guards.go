package message

import (
	"math"
	"reflect"
	"regexp/syntax"
	"strings"
)

// guard returns, before a function is called, bounds on the bytes of its result
// and on its steps beyond reading its arguments; weight is that of the
// arguments. It is for functions that can make much out of little.
type guard func(args []reflect.Value, weight int) (size, steps int)

var guards = map[string]guard{
	"repeat": func(args []reflect.Value, _ int) (int, int) {
		return times(intOf(args[0]), args[1].Len()), 0
	},
	"until": func(args []reflect.Value, _ int) (int, int) {
		return times(turns(0, intOf(args[0]), 1), valueWeight), 0
	},
	"untilStep": func(args []reflect.Value, _ int) (int, int) {
		return times(turns(intOf(args[0]), intOf(args[1]), intOf(args[2])), valueWeight), 0
	},
	"seq":         guardSeq,
	"indent":      guardIndent,
	"nindent":     guardIndent,
	"wrap":        func(args []reflect.Value, _ int) (int, int) { return 2 * args[1].Len(), 0 },
	"wrapWith":    guardWrap,
	"replace":     guardReplace,
	"join":        func(args []reflect.Value, weight int) (int, int) { return times(args[0].Len(), weight/valueWeight), 0 },
	"printf":      guardPrintf,
	"uniq":        guardPairs,
	"mustUniq":    guardPairs,
	"without":     guardPairs,
	"mustWithout": guardPairs,

	"add1f": guardDecimals, "addf": guardDecimals, "subf": guardDecimals, "mulf": guardDecimals, "divf": guardDecimals,

	"regexMatch": guardMatch, "mustRegexMatch": guardMatch,
	"regexFind": guardMatch, "mustRegexFind": guardMatch,
	"regexFindAll": guardMatches, "mustRegexFindAll": guardMatches,
	"regexSplit": guardMatches, "mustRegexSplit": guardMatches,
	"regexReplaceAll": guardReplaceAll, "mustRegexReplaceAll": guardReplaceAll,
	"regexReplaceAllLiteral": guardReplaceAll, "mustRegexReplaceAllLiteral": guardReplaceAll,
}

func intOf(v reflect.Value) int { return int(v.Int()) }

// tooMuch is more than any bound. Twice tooMuch doesn't overflow.
const tooMuch = 1 << 40

// times multiplies, up to tooMuch.
func times(a, b int) int {
	switch {
	case a <= 0 || b <= 0:
		return 0
	case a > tooMuch/b:
		return tooMuch
	}
	return a * b
}

// turns returns the number of steps from start to stop.
func turns(start, stop, step int) int {
	const exact = 1 << 50 // far below the point at which sprig's loops overflow
	if step == 0 {
		return 0
	}
	n := math.Abs((float64(stop) - float64(start)) / float64(step))
	if n > maxValue || max(start, stop) > exact || min(start, stop) < -exact {
		return tooMuch
	}
	return int(n) + 2
}

// guardSeq is for "seq stop", "seq start stop" and "seq start step stop", whose
// numbers have at most 20 bytes.
func guardSeq(args []reflect.Value, _ int) (int, int) {
	params := args[0]
	n := 0
	switch params.Len() {
	case 1:
		n = turns(1, intOf(params.Index(0)), 1)
	case 2:
		n = turns(intOf(params.Index(0)), intOf(params.Index(1)), 1)
	case 3:
		n = turns(intOf(params.Index(0)), intOf(params.Index(2)), intOf(params.Index(1)))
	}
	return times(n, 20), 0
}

func guardIndent(args []reflect.Value, _ int) (int, int) {
	text := args[1].String()
	return times(intOf(args[0]), strings.Count(text, "\n")+1) + len(text), 0
}

func guardWrap(args []reflect.Value, _ int) (int, int) {
	lines := args[2].Len()/max(1, intOf(args[0])) + 1
	if spaces := strings.Count(args[2].String(), " "); spaces >= lines {
		lines = spaces + 1
	}
	return 2*times(lines, args[1].Len()) + args[2].Len(), 0
}

func guardReplace(args []reflect.Value, _ int) (int, int) {
	found := strings.Count(args[2].String(), args[0].String())
	return times(found, args[1].Len()) + args[2].Len(), 0
}

// guardPairs is for functions that compare every item with every other.
func guardPairs(args []reflect.Value, weight int) (int, int) {
	n := weight / valueWeight
	return 0, times(n, n) / 4
}

// guardDecimals is for sprig's exact decimals, which gain digits with every
// operand: 308 for a large float64.
func guardDecimals(_ []reflect.Value, weight int) (int, int) {
	n := weight/valueWeight + 1
	return 0, 1000*n + times(n, n)*100
}

// guardPrintf adds up the widths and precisions of a format, and counts all
// arguments for each verb, since "%[1]v" can print one repeatedly.
func guardPrintf(args []reflect.Value, weight int) (int, int) {
	format := args[0].String()
	widths, verbs, stars := 0, 1, 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		verbs++
		number := 0
		for i++; i < len(format) && strings.IndexByte("+-# .[]*0123456789", format[i]) >= 0; i++ {
			switch c := format[i]; {
			case '0' <= c && c <= '9':
				number = min(number*10+int(c-'0'), tooMuch)
				continue
			case c == '*':
				stars++
			}
			widths, number = widths+number, 0
		}
		widths += number
	}
	return widths + times(stars, largestInt(args[1])) + times(verbs, weight), 0
}

// largestInt returns the largest magnitude among the integers of a list.
func largestInt(list reflect.Value) int {
	largest := 0
	for i := range list.Len() {
		if v := list.Index(i).Elem(); v.IsValid() && v.CanInt() {
			largest = max(largest, int(min(math.Abs(float64(v.Int())), tooMuch)))
		}
	}
	return largest
}

// maxPattern bounds the bytes of a regular expression.
const maxPattern = 1000

// guardMatch is for one match. Its time is at most the number of the pattern's
// instructions times the bytes of the text.
func guardMatch(args []reflect.Value, _ int) (int, int) {
	return matching(args[0].String(), args[1].Len(), 1)
}

// guardMatches is for all matches, each of which may read the rest of the text.
func guardMatches(args []reflect.Value, _ int) (int, int) {
	return matching(args[0].String(), args[1].Len(), 1+args[1].Len()/4)
}

func guardReplaceAll(args []reflect.Value, _ int) (int, int) {
	size, steps := guardMatches(args, 0)
	return size + 2*times(args[1].Len()+1, args[2].Len()+1), steps
}

// matching returns the cost of matching a text of that many bytes that many
// times. A step is about ten instructions.
func matching(pattern string, text, often int) (size, steps int) {
	if len(pattern) > maxPattern {
		return tooMuch, 0
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, 0 // the function itself returns the error
	}
	program, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0, 0
	}
	instructions := len(program.Inst)
	return 0, 5*instructions + times(times(instructions, text+1)/10+1, often)
}
