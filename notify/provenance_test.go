package notify

import (
	"testing"

	"github.com/pinsetter/pinsetter"
)

// TestEventsSayWhereImagesComeFrom: those of which it is known, in the metadata.
func TestEventsSayWhereImagesComeFrom(t *testing.T) {
	m := describe(pinsetter.Event{Kind: pinsetter.EventPushed, Images: []pinsetter.Written{
		{Ref: "app:1.1.0", Provenance: pinsetter.Provenance{Source: "https://github.com/acme/app", Signer: "cosign.pub (key 0a1b2c)"}},
		{Ref: "built:1.0.0", Provenance: pinsetter.Provenance{Builder: "https://b.example", BuiltFrom: "https://s.example"}},
		{Ref: "other:1.0.0", Provenance: pinsetter.Provenance{Unread: "503"}},
	}}, "")
	want := "app:1.1.0: from https://github.com/acme/app (says its publisher), signed by cosign.pub (key 0a1b2c) (verified); built:1.0.0: built by https://b.example from https://s.example (verified)"
	if got := m.Metadata["provenance"]; got != want {
		t.Errorf("provenance %q, want %q", got, want)
	}
	if _, said := describe(pinsetter.Event{Kind: pinsetter.EventPushed}, "").Metadata["provenance"]; said {
		t.Error("an event without images has it")
	}
}
