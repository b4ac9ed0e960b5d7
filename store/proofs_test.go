package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/store"
)

func testProofs(t *testing.T, p place) {
	l := p.open(t, store.Options{})
	want := pinsetter.Signature{Verdict: pinsetter.SignatureVerified, Signer: "cosign.pub (key 1)", SignedAt: noon.Add(time.Hour), Log: "rekor"}
	for _, found := range []pinsetter.Signature{{Verdict: pinsetter.SignatureRefused}, want} {
		if err := l.Proofs().Put(t.Context(), noon, digest("a"), "us", found); err != nil {
			t.Fatal(err)
		}
	}
	us, unknown := store.ProofKey{Digest: digest("a"), Trust: "us"}, store.ProofKey{Digest: digest("a"), Trust: "them"}
	found, err := l.Proofs().Of(t.Context(), []store.ProofKey{us, unknown, us, {Digest: digest("b"), Trust: "us"}})
	if diff := cmp.Diff(map[store.ProofKey]store.Proof{us: {Signature: want, At: noon}}, found); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
	if err := l.Prune(t.Context(), noon.Add(10*365*day)); err != nil {
		t.Fatal(err)
	}
	if kept, err := l.Proofs().Of(t.Context(), []store.ProofKey{us}); len(kept) > 0 || err != nil {
		t.Errorf("it is kept for ever: %v, error %v", kept, err)
	}
}
