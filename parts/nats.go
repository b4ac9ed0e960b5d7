package parts

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// NATSOptions configure a NATS server. The zero value lets everybody in.
type NATSOptions struct {
	User, Password string // required if User is set
	Publish        string // the only subject that the user may publish on; "": all
	TLS            *TLS   // nil: without
}

// NATS is a NATS server as a process (https://github.com/nats-io/nats-server).
type NATS struct {
	Addr string // "127.0.0.1:PORT"
}

// NewNATS starts a server that ends with t. It skips the test if the program is
// missing.
func NewNATS(t T, o NATSOptions) *NATS {
	t.Helper()
	program := Need(t, "nats-server")
	addr, dir := freeAddress(t), Dir(t)
	config := fmt.Sprintf("listen: %q\n", addr)
	if o.User != "" {
		allowed := ""
		if o.Publish != "" {
			allowed = fmt.Sprintf(", permissions: {publish: [%q], subscribe: \">\"}", o.Publish)
		}
		config += fmt.Sprintf("authorization: {users: [{user: %q, password: %q%s}]}\n", o.User, o.Password, allowed)
	}
	if o.TLS != nil {
		pair := o.TLS.CA.Server()
		config += fmt.Sprintf("tls: {cert_file: %q, key_file: %q}\n", put(t, dir, "server.crt", pair.Cert), put(t, dir, "server.key", pair.Key))
	}
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatalf("write the configuration: %v", err)
	}
	running := start(t, os.Environ(), program, "-c", file)
	err := running.await(func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		t.Fatalf("start nats-server: %v", err)
	}
	return &NATS{addr}
}
