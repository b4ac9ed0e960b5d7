package fleet

import "testing"

// TestIdentity: patterns of ours match the whole, those of Flux's objects anywhere.
func TestIdentity(t *testing.T) {
	const issuer = "https://issuer.example"
	for _, row := range []struct {
		subject, signer string
		ours, flux      bool
	}{
		{"a@example", "a@example", true, true},
		{"a@example", "a@example.evil", false, true},
		{"a@example", "ba@example", false, true},
		{"a|b", "ab", false, true},
		{"a|b", "b", true, true},
		{"^a$", "a", true, true},
		{"(?i)A", "a", true, true},
		{"(?m)a", "a\nb", false, true},
		{"a.*", "a\nb", false, true},
		{".*", "", true, true},
	} {
		ours, err := NewIdentity(issuer, row.subject)
		if err != nil {
			t.Fatal(err)
		}
		flux, err := FluxIdentity(issuer, row.subject)
		if err != nil {
			t.Fatal(err)
		}
		if got := ours.Matches(issuer, row.signer); got != row.ours {
			t.Errorf("%q matches %q: %v", row.subject, row.signer, got)
		}
		if got := flux.Matches(issuer, row.signer); got != row.flux {
			t.Errorf("%q in Flux matches %q: %v", row.subject, row.signer, got)
		}
		if ours.Matches(issuer+".evil", row.signer) || ours.Matches("", row.signer) {
			t.Error("the issuer doesn't count")
		}
		if want := "subject " + row.subject + " of issuer " + issuer; ours.String() != want || flux.String() != want {
			t.Errorf("%s and %s, want %s", ours, flux, want)
		}
	}
	for _, subject := range []string{"", "a)|(b", "(", "["} {
		if _, err := NewIdentity(issuer, subject); err == nil {
			t.Errorf("%q is taken", subject)
		}
		if _, err := NewIdentity(subject, "a"); err == nil {
			t.Errorf("%q is taken", subject)
		}
	}
	if (Identity{}).Matches("", "") || (&Keyless{}).Passes("", "") || (*Keyless)(nil).Asks() || (&Keyless{}).Asks() {
		t.Error("nothing trusts somebody")
	}
}

// TestKeylessID: what was verified counts for as long as the same is trusted.
func TestKeylessID(t *testing.T) {
	id := func(whole bool, root string, subjects ...string) string {
		k := &Keyless{Anybody: len(subjects) == 0}
		if root != "" {
			k.Root = []byte(root)
		}
		for _, s := range subjects {
			i, err := FluxIdentity("x", s)
			if whole {
				i, err = NewIdentity("x", s)
			}
			if err != nil {
				t.Fatal(err)
			}
			k.Identities = append(k.Identities, i)
		}
		return (&Trust{Provider: ProviderCosign, Keyless: k}).ID()
	}
	if id(true, "", "a", "b") != id(true, "", "b", "a", "a") {
		t.Error("the order counts")
	}
	seen := map[string]int{(&Trust{Provider: ProviderCosign}).ID(): -1}
	for i, id := range []string{id(true, "", "a"), id(false, "", "a"), id(true, "r", "a"), id(true, "", "a", "b"), id(true, ""), id(true, "s", "a")} {
		if j, known := seen[id]; known {
			t.Errorf("%d is as %d", i, j)
		}
		seen[id] = i
	}
}
