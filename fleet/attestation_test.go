package fleet

import "testing"

// TestAttestationID: a signature that was verified says nothing of an attestation, nor
// one attestation of another.
func TestAttestationID(t *testing.T) {
	const provenance = "https://slsa.dev/provenance/v1"
	seen := map[string]int{(&Trust{Provider: ProviderCosign}).ID(): -1}
	for i, row := range [][3]string{{"x", "", ""}, {provenance, "", ""}, {provenance, "a", ""}, {provenance, "", "a"}, {provenance, "b", ""}} {
		a, err := NewAttestation(row[0], row[1], row[2])
		if err != nil {
			t.Fatal(err)
		}
		id := (&Trust{Provider: ProviderCosign, Attestation: a}).ID()
		if j, known := seen[id]; known {
			t.Errorf("%d is as %d", i, j)
		}
		seen[id] = i
	}
}

// TestNotationID: what was verified counts while policy, certificates and their
// stores are the same.
func TestNotationID(t *testing.T) {
	seen := map[string]int{(&Trust{Provider: ProviderNotation}).ID(): -1}
	a, b := StoredCertificate{Name: "a", DER: []byte("a")}, StoredCertificate{DER: []byte("b")}
	stored := StoredCertificate{Store: "ca:x", DER: []byte("a")}
	for i, n := range []*Notation{{}, {Policy: []byte("p")}, {Certificates: []StoredCertificate{a}}, {Certificates: []StoredCertificate{a, b}}, {Certificates: []StoredCertificate{stored}}} {
		id := (&Trust{Provider: ProviderNotation, Notation: n}).ID()
		if j, known := seen[id]; known {
			t.Errorf("%d is as %d", i, j)
		}
		seen[id] = i
	}
}
