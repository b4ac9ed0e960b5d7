package notify

import (
	"net/url"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// TestSharedAccess: OpenSSL 3.0 makes this signature of the text that Azure
// describes; each part is escaped.
func TestSharedAccess(t *testing.T) {
	got := sharedAccess("https://fleet.servicebus.windows.net/bumps", "send all", pinsetter.NewSecret("key", "a+b/c="), noon)
	want := "SharedAccessSignature sr=https%3A%2F%2Ffleet.servicebus.windows.net%2Fbumps&sig=" +
		url.QueryEscape("c29DJnmHcQSel6hbTNXI6+ja5ZisJjfXsPcHjLCxjDA=") + "&se=1795262400&skn=send+all"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
