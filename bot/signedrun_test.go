package bot_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/scene"
)

// TestSignaturesInARun: 1.0.0 is written and 1.1.0 is signed right. What becomes of
// 1.2.0 says whether it, the next lower or nothing is written, and with which words.
func TestSignaturesInARun(t *testing.T) {
	referrers := func(status int, header, body string) scene.Fault {
		return func(to http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			if header != "" {
				to.Header().Set("Link", "<"+r.URL.Path+`?n=1>; rel="next"`)
			}
			to.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			to.WriteHeader(status)
			_, _ = to.Write([]byte(body))
			return true
		}
	}
	one := `{"digest":"sha256:` + strings.Repeat("0", 64) + `","size":9,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`
	thousand := `{"manifests":[` + strings.TrimSuffix(strings.Repeat(one+",", 1000), ",") + `]}`
	const lower = "1.1.0"
	for _, row := range []struct {
		name  string
		sign  func(s *story, digest string, right, other *parts.Signer)
		fault scene.Fault
		wrote string // "1.0.0": nothing
		words string // of the hold, or of the error
	}{
		{"right, bundle", func(s *story, d string, right, _ *parts.Signer) { s.Registry.Sign("org/app", d, right) }, nil, "1.2.0", ""},
		{"right, legacy", func(s *story, d string, right, _ *parts.Signer) { s.Registry.SignLegacy("org/app", d, right, 1) }, nil, "1.2.0", ""},
		{"unsigned", func(*story, string, *parts.Signer, *parts.Signer) {}, nil, lower, "it isn't signed"},
		{"wrong key", func(s *story, d string, _, other *parts.Signer) { s.Registry.Sign("org/app", d, other) }, nil, lower, "none of 1 signature verifies with cosign.pub"},
		{"wrong key, legacy", func(s *story, d string, _, other *parts.Signer) { s.Registry.SignLegacy("org/app", d, other, 1) }, nil, lower, "it is of another key"},
		{"attestation alone", func(s *story, d string, right, _ *parts.Signer) {
			s.Registry.Attest("org/app", d, parts.ProvenancePredicate, right)
		}, nil, lower, "it has 1 attestation, which prove something else"},
		{"moved from another image", func(s *story, d string, right, _ *parts.Signer) {
			s.Registry.Refer("org/app", d, parts.Referrer{Content: right.Bundle(s.Registry.Digest("org/app", "1.1.0"), parts.SigningPredicate), Predicate: parts.SigningPredicate})
		}, nil, lower, "none of 1 signature"},
		{"moved, legacy", func(s *story, d string, right, _ *parts.Signer) {
			s.Registry.SignLegacy("org/app", d, right, 1, s.Registry.Digest("org/app", "1.1.0"))
		}, nil, lower, "it is for another image"},
		{"index signed, platforms not", func(s *story, _ string, right, _ *parts.Signer) {
			s.Registry.Sign("org/app", s.Registry.PushIndex("org/app", "1.2.0", "linux/amd64", "linux/arm64"), right)
		}, nil, "1.2.0", ""},
		{"platform signed, index not", func(s *story, _ string, right, _ *parts.Signer) {
			s.Registry.PushIndex("org/app", "1.2.0", "linux/amd64", "linux/arm64")
			s.Registry.Sign("org/app", s.Registry.PushContent("org/app", "child", "org/app:1.2.0 linux/amd64"), right)
		}, nil, lower, "it isn't signed"},
		{"listing 429", nil, referrers(429, "", ""), "1.0.0", "who signed 1.2.0 could not be asked"},
		{"listing 500", nil, referrers(500, "", ""), "1.0.0", "who signed 1.2.0 could not be asked"},
		{"listing 503", nil, referrers(503, "", ""), "1.0.0", "who signed 1.2.0 could not be asked"},
		{"listing cut", nil, referrers(200, "", `{"manifests":[{"digest":"`), "1.0.0", "who signed 1.2.0 could not be asked"},
		{"listing loops", nil, referrers(200, "loop", `{"manifests":[]}`), "1.0.0", "who signed 1.2.0 could not be asked"},
		{"a thousand signatures", nil, referrers(200, "", thousand), "1.0.0", "it has more than 64 signatures"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, right := signedStory(t, "", "1.0.0", "1.1.0", "1.2.0")
			other := parts.NewSigner(t)
			s.Registry.Sign("org/app", s.Registry.Digest("org/app", "1.1.0"), right)
			if row.sign == nil {
				s.Registry.Sign("org/app", s.Registry.Digest("org/app", "1.2.0"), right)
				s.Fault.Store(&row.fault)
			} else {
				row.sign(s, s.Registry.Digest("org/app", "1.2.0"), right, other)
			}
			r := s.run(nil) // without a state what isn't signed is told at once
			said := ""
			for _, h := range r.Held {
				said += h.Reason + "\n"
			}
			if r.Err != nil {
				said += r.Err.Error()
			}
			if got := s.Repo.File("main", "a.yaml"); got != s.showing(row.wrote) {
				t.Errorf("written is %q, not %s; it says %s", got, row.wrote, said)
			}
			if !strings.Contains(said, row.words) || row.words == "" && said != "" || (row.wrote == "1.0.0") != (r.Err != nil) {
				t.Errorf("it says %q, not %q; error %v", said, row.words, r.Err)
			}
		})
	}
}

// TestHiddenSignatures: a registry that hides signatures between two looks gets
// nothing lower written: what was verified is remembered, and what is written stays.
func TestHiddenSignatures(t *testing.T) {
	s, right := signedStory(t, "", "1.0.0", "1.1.0")
	hide := scene.Fault(func(to http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		_, _ = to.Write([]byte(`{"manifests":[]}`))
		return true
	})
	s.Registry.Sign("org/app", s.Registry.Digest("org/app", "1.1.0"), right)
	s.Fault.Store(&hide)
	s.next("1.0.0")
	s.Fault.Store(nil)
	s.next("1.1.0")
	s.Registry.Push("org/app", "1.2.0")
	s.Registry.Sign("org/app", s.Registry.Digest("org/app", "1.2.0"), right)
	s.Fault.Store(&hide)
	s.next("1.1.0")
	s.Fault.Store(nil)
	s.next("1.2.0")
	s.Fault.Store(&hide)
	s.next("1.2.0")
}

// TestVerifiedOnce: the first look at a digest costs a list of referrers, and the
// manifest and the blob of its signature; later runs ask what they ask without a rule.
func TestVerifiedOnce(t *testing.T) {
	plain := tell(t, "", "", "1.0.0", "1.1.0")
	s, right := signedStory(t, "", "1.0.0", "1.1.0")
	digest := s.Registry.Digest("org/app", "1.1.0")
	s.Registry.Sign("org/app", digest, right)
	count := func(s *story) (n int) {
		s.Registry.Log.Reset()
		s.next("1.1.0")
		return len(s.Registry.Log.All())
	}
	if first, without := count(s), count(plain); first-without > 4 { // the digest of the tag too
		t.Errorf("the first run asks %d times, without a rule %d times", first, without)
	}
	for range 3 {
		if again, without := count(s), count(plain); again > without+1 { // the digest of the tag
			t.Errorf("a later run asks %d times, without a rule %d times: %v", again, without, s.Registry.Log.All())
		}
		if n := s.Registry.Log.Count("GET", "/referrers/") + s.Registry.Log.Count("GET", ".sig"); n > 0 {
			t.Errorf("a later run asks %d times who signed", n)
		}
	}
}
