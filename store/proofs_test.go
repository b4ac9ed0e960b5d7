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
		if err := l.PutProof(t.Context(), noon, digest("a"), "us", found); err != nil {
			t.Fatal(err)
		}
	}
	got, known, err := l.Proof(t.Context(), digest("a"), "us")
	if diff := cmp.Diff(want, got); diff != "" || !known || err != nil {
		t.Errorf("known %v, error %v\n%s", known, err, diff)
	}
	for _, other := range [][2]string{{digest("b"), "us"}, {digest("a"), "them"}} {
		if got, known, err := l.Proof(t.Context(), other[0], other[1]); known || err != nil || got != (pinsetter.Signature{}) {
			t.Errorf("%v: %+v, %v", other, got, err)
		}
	}
	us, unknown := store.ProofKey{Digest: digest("a"), Trust: "us"}, store.ProofKey{Digest: digest("a"), Trust: "them"}
	found, err := l.Proofs(t.Context(), []store.ProofKey{us, unknown, us})
	if diff := cmp.Diff(map[store.ProofKey]store.Proof{us: {Signature: want, At: noon}}, found); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
	if err := l.Prune(t.Context(), noon.Add(10*365*day)); err != nil {
		t.Fatal(err)
	}
	if _, known, _ := l.Proof(t.Context(), digest("a"), "us"); known {
		t.Error("it is kept for ever")
	}
}
