package parts

import "time"

// patience bounds how long something is waited for that comes for certain, and comes
// late on a busy machine. It is no judgement: it ends a test that hangs before
// `go test` ends all of them.
const patience = 3 * time.Minute

// Until waits until something is so. It fails t, saying what was waited for, if that
// doesn't come within minutes.
func Until(t T, what string, is func() bool) {
	t.Helper()
	if !Comes(is) {
		t.Fatalf("waited in vain for: %s", what)
	}
}

// Comes is Until for a caller who has more to say: it reports whether something was
// so within minutes.
func Comes(is func() bool) bool {
	end := time.Now().Add(patience)
	for wait := time.Millisecond; !is(); wait = min(2*wait, 20*time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
		time.Sleep(wait)
	}
	return true
}
