package policy

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// plainDecimal is the grammar of numbers in tags, whose underscores are where
// strconv.ParseFloat takes them.
var plainDecimal = regexp.MustCompile(`^[+-]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][+-]?[0-9][0-9_]*)?$`)

var numberSeeds = []string{
	"", "0", "-0", "00", "1", "01", "1.0", "1.", ".5", ".", "+1", "-1", "1e3", "1E3", "1000", "1e", "1e+", "e3", "0x1p4", "1_000",
	"20240601_1230", "20240602_0900", "202406021_230", "1__0", "_1", "1_", "1_.5", "1._5", "1.5_", "1.5_0", "._5", "1_e3", "1e_3", "1e1_0", "1e1_",
	"1e+_1", "-1_0", "-_1", "0_1", "0x_1p4", "0b1_0", "1_0_0", "9007199254740_993",
	"inf", "nan", "Infinity", "9007199254740993", "9007199254740992", "20240101120000123", "1.50", "1.5", "150e-2", "0.0015e3",
	"1e308", "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1e309", "0.1e309", "0.01e311", "-1e309",
	"0e999999999", "1e-400", "2e-400", "-1e-400", "1e-999999999", "12.34", "12.340", "12.35", "1.2.3", "4 ", " 4", "1-2",
	strings.Repeat("9", 308), strings.Repeat("9", 309), strings.Repeat("0", 400) + "1", "." + strings.Repeat("0", 400) + "1",
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range numberSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := strconv.ParseFloat(s, 64)
		want := err == nil && plainDecimal.MatchString(s)
		if _, ok := parseNumber(s); ok != want {
			t.Fatalf("parseNumber(%q): %t, want %t (ParseFloat: %v)", s, ok, want, err)
		}
	})
}

func FuzzCompareNumbers(f *testing.F) {
	for _, a := range numberSeeds {
		for _, b := range numberSeeds {
			f.Add(a, b)
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		n, ok := parseNumber(a)
		m, also := parseNumber(b)
		if !ok || !also || n.exponent < -2000 || m.exponent < -2000 || len(a)+len(b) > 4000 {
			return
		}
		if got, want := n.compare(m), referenceNumber(a).Cmp(referenceNumber(b)); got != want {
			t.Fatalf("%q compared with %q: %d, want %d", a, b, got, want)
		}
	})
}

func TestHugeExponentsAreNotExpanded(t *testing.T) {
	start := time.Now()
	for _, s := range []string{"1e999999999", "1e99999999999999999999999999", "-1e999999999"} {
		if _, ok := parseNumber(s); ok {
			t.Errorf("parseNumber(%q) is a number; want none, since no float64 holds it", s)
		}
	}
	small, _ := parseNumber("1e-999999999")
	smaller, _ := parseNumber("1e-1000000000")
	if small.compare(smaller) <= 0 {
		t.Error("1e-999999999 is not greater than 1e-1000000000")
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}
