//go:build e2e

package cloud

import (
	"net"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/login"
)

// The hop limit of a node lets a container connect to IMDS and drops its answer.
// Version 1 is not tried instead.
func TestTheHopLimitOfANode(t *testing.T) {
	w, _ := newAWS(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	w.inside["169.254.169.254:80"] = silent.Addr().String()
	began := time.Now()
	w.wantError(ecrEurope+"/app", login.AWS, "the node's role (IMDSv2)", "raise the node's hop limit to 2", "no credential helper or entry")
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %s", took)
	}
}
