package lint

import (
	"fmt"
	"strings"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/fleet"
)

// keyless says what is doubtful about whom the verify of a site's object trusts to
// sign without keys: Flux takes anybody where nobody is named, and a pattern that
// fits somewhere in an identity.
func keyless(site pinsetter.Site) []pinsetter.Finding {
	e := site.Enclosing
	if e == nil || e.Unread != "" || e.Secret != "" || e.Provider != fleet.ProviderCosign {
		return nil
	}
	object := site.Object.Kind + " " + site.Object.Name
	if len(e.Identities) == 0 {
		return []pinsetter.Finding{warn(site, "verify-anybody", fmt.Sprintf("%s takes whatever anybody signed: its verify names neither a secretRef nor a matchOIDCIdentity, and everybody gets a certificate from Sigstore; "+
			"write matchOIDCIdentity with the issuer and subject of those who may sign", object))}
	}
	var findings []pinsetter.Finding
	for _, i := range e.Identities {
		for _, pattern := range []string{i.Issuer, i.Subject} {
			if pattern != "" && !anchored(pattern) {
				findings = append(findings, warn(site, "verify-unanchored", fmt.Sprintf("%s takes every signer in whose identity %q is found somewhere, as Flux does: write ^ before the pattern and $ behind it", object, pattern)))
			}
		}
	}
	return findings
}

// anchored reports whether a pattern begins and ends where what it matches does.
func anchored(pattern string) bool {
	begins := strings.HasPrefix(pattern, "^") || strings.HasPrefix(pattern, `\A`)
	ends := strings.HasSuffix(pattern, "$") && !strings.HasSuffix(pattern, `\$`) || strings.HasSuffix(pattern, `\z`)
	return begins && ends
}
