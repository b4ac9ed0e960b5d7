package policy

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/spec"
)

// fuzzSpecs are the policies that FuzzRank ranks arbitrary tags by.
var fuzzSpecs = []spec.ImagePolicySpec{
	bySemVer("*"),
	bySemVer(">=0.0.0-0"),
	bySemVer(">=1.0.0 <2.0.0"),
	bySemVer("^1.2.3-a || ~2 || !=3.x >=3.1"),
	bySemVer(">1.0.0-rc <2.0.0-rc || 3.x"),
	filtered(bySemVer(">=0.0.0-0"), `^(?P<p>[a-z]*)-?(?P<v>.*)$`, "$v"),
	filtered(bySemVer("*"), `(\d+)\.(\d+)`, "$1.$2.0-${2}"),
	filtered(bySemVer(">=0-0"), `1`, ""),
	byAlphabet("asc"),
	byAlphabet("desc"),
	filtered(byAlphabet("asc"), `^.(.?)`, "$1"),
	byNumber("asc"),
	byNumber("desc"),
	filtered(byNumber("asc"), `^([0-9.e-]+?)(-.*)?$`, "$1"),
	filtered(byNumber("desc"), `([0-9]+)`, "$1$1"),
}

// FuzzRank holds Rank, Explain, Judge and Above to the plain ranking, whatever
// the order of the tags and however often one is given.
func FuzzRank(f *testing.F) {
	for i := range fuzzSpecs {
		f.Add(uint8(i), "1.0.0 v1.0.0 1.2.3-rc.1 2.0.0 3.1.0 3.2.0-a latest 1.25")
		f.Add(uint8(i), "1 01 1.0 1e3 1000 -5 .5 latest 9007199254740993 9007199254740992")
		f.Add(uint8(i), "1.0.0 2 main-1 "+reservedName+" "+reservedName+".sig "+reservedName+".1.0.0 x"+reservedName)
		f.Add(uint8(i), "a-1.0.0 b-1.0.0 a-v1.0.0 1-x 1-y 01-z main-3 main-4")
		f.Add(uint8(i), strings.Join(versionSeeds, " "))
		f.Add(uint8(i), "")
	}
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		s, tags := fuzzSpecs[int(which)%len(fuzzSpecs)], strings.Fields(text)
		if len(tags) > 200 {
			return
		}
		for _, tag := range tags {
			if n, ok := parseNumber(tag); ok && n.exponent < -2000 {
				return // math/big would expand it
			}
		}
		p := mustNew(t, s)
		want, ok := rankPlainly(s, tags)
		if !ok {
			if _, err := p.Rank(NewTags(tags)); err == nil {
				t.Fatal("a bad number is no error")
			}
			return
		}
		checkRank(t, p, tags, want)
	})
}
