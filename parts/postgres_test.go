//go:build unix

package parts_test

import (
	"net"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

func TestPostgresComesBackWhereItWas(t *testing.T) {
	server := parts.NewPostgres(t)
	reach := func() error {
		conn, err := net.DialTimeout("tcp", server.Addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	if err := reach(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := reach(); err == nil {
		t.Error("a killed server answers")
	}
	server.Start()
	if err := reach(); err != nil {
		t.Error(err)
	}
}
