package keeper_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/parts"
)

const signedGate = `---
apiVersion: pinsetter.dev/v1alpha1
kind: Gate
metadata: {name: signed}
spec: {verify: [{provider: cosign, secretRef: {name: keys}}]}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData:
  cosign.pub: |
`

// signing is a scene whose images must be signed, before an automation's first run.
// 1.1.0 was just pushed, and isn't signed yet.
func signing(t *testing.T) (*keeping, *parts.Signer) {
	t.Helper()
	signer := parts.NewSigner(t)
	key := "    " + strings.ReplaceAll(strings.TrimSpace(signer.PublicKey), "\n", "\n    ") + "\n"
	k := newKeeping(t, onMain("interval: 5m\n  sourceRef", "interval: 1h\n  sourceRef")+signedGate+key, storyFiles)
	k.Registry.Push("org/app", "1.1.0")
	return k, signer
}

// heldEvent returns the holds of the latest event of holds.
func (k *keeping) heldEvent() []pinsetter.Hold {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := len(k.events) - 1; i >= 0; i-- {
		if k.events[i].Kind == pinsetter.EventHeld {
			return k.events[i].Holds
		}
	}
	return nil
}

// TestUnsignedImagesAreLookedAtAgainSoon: CI signs after it pushes, so a minute later,
// whatever the interval, and without a new list of tags. Nobody is told before.
func TestUnsignedImagesAreLookedAtAgainSoon(t *testing.T) {
	k, signer := signing(t)
	k.begin(0)
	k.ran("apps", 1)
	k.comes("apps", k.Now().Add(time.Minute))
	if holds := k.heldEvent(); len(holds) > 0 || len(k.state("apps").Held) > 0 {
		t.Errorf("told of %v, the page of %v", holds, k.state("apps").Held)
	}
	k.Registry.Sign("org/app", k.Registry.Digest("org/app", "1.1.0"), signer)
	k.after(time.Minute - time.Nanosecond)
	k.ran("apps", 1)
	k.after(time.Nanosecond)
	k.ran("apps", 2)
	if got := k.Repo.File("main", "a.yaml"); !strings.Contains(got, "app:1.1.0") || k.listings() != 1 {
		t.Errorf("%d listings, main has %s", k.listings(), got)
	}
	k.comes("apps", k.Now().Add(time.Hour))
}

// TestUnsignedImagesAreToldOfInTheEnd: after ten minutes it is a hold like any other,
// and the interval counts again.
func TestUnsignedImagesAreToldOfInTheEnd(t *testing.T) {
	k, _ := signing(t)
	k.begin(0)
	for n := range 10 {
		k.ran("apps", n+1)
		if holds := k.heldEvent(); len(holds) > 0 {
			t.Fatalf("after %d minutes told of %v", n, holds)
		}
		k.after(time.Minute)
	}
	k.ran("apps", 11)
	if holds := k.heldEvent(); len(holds) != 1 || holds[0].Rule != pinsetter.RuleSignature {
		t.Errorf("told of %v", holds)
	}
	k.comes("apps", k.Now().Add(time.Hour))
}
