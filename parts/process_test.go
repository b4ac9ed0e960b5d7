package parts

import "testing"

// TestAFreeAddressIsGivenOnce: nobody listens at one yet, and another call returns
// another.
func TestAFreeAddressIsGivenOnce(t *testing.T) {
	given := map[string]bool{}
	for range 500 {
		addr := freeAddress(t)
		if given[addr] {
			t.Fatalf("%s is given twice", addr)
		}
		given[addr] = true
	}
}
