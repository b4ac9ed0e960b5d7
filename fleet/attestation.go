package fleet

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Attestation is what must be attested of an image.
type Attestation struct {
	PredicateType string
	builder       *regexp.Regexp // nil: any
	source        *regexp.Regexp
}

// The predicate types that are known.
const (
	SignaturePredicate  = "https://sigstore.dev/cosign/sign/v1" // of what is no attestation
	provenancePredicate = "https://slsa.dev/provenance/"        // with a version behind it
)

// NewAttestation returns what must be attested. Builder and source are patterns that
// match as a whole what SLSA provenance says, "" any.
func NewAttestation(predicateType, builder, source string) (*Attestation, error) {
	a := &Attestation{PredicateType: predicateType}
	switch {
	case predicateType == "":
		return nil, errors.New("predicateType is missing")
	case predicateType == SignaturePredicate:
		return nil, fmt.Errorf("%s is the predicate type of signatures: leave attestations out to ask for one", predicateType)
	case builder+source != "" && !a.Provenance():
		return nil, fmt.Errorf("builder and source are said by SLSA provenance alone (%s…), not by %s", provenancePredicate, predicateType)
	}
	var err error
	if a.builder, err = wholeIf("builder", builder); err == nil {
		a.source, err = wholeIf("source", source)
	}
	return a, err
}

// wholeIf compiles a pattern that matches the whole; nil for "".
func wholeIf(what, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	return whole(what, pattern)
}

// Provenance reports whether it is SLSA provenance.
func (a *Attestation) Provenance() bool {
	return strings.HasPrefix(a.PredicateType, provenancePredicate)
}

// Check returns why what provenance says isn't what is demanded. A source may be
// named in several ways, of which one must fit.
func (a *Attestation) Check(builder string, sources []string) error {
	if a.builder != nil && !a.builder.MatchString(builder) {
		return fmt.Errorf("its builder is %q, not %s", builder, bare(a.builder))
	}
	if a.source == nil {
		return nil
	}
	for _, source := range sources {
		if a.source.MatchString(source) {
			return nil
		}
	}
	return fmt.Errorf("its source is %q, not %s", strings.Join(sources, " or "), bare(a.source))
}

// id is equal for those that demand the same; "" for nil.
func (a *Attestation) id() string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("\nattestation %q %q %q", a.PredicateType, bare(a.builder), bare(a.source))
}
