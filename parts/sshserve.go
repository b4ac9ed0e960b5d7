package parts

import (
	"bytes"
	"errors"
	"io"
	"net"

	"golang.org/x/crypto/ssh"
)

// Login is where a server of this package listens for SSH, and as whom to log in.
type Login struct {
	Addr       string // "127.0.0.1:PORT"
	Identity   []byte // private key, PEM
	KnownHosts []byte // the host's line for a known_hosts file
}

// ServeSSH starts an SSH server in this process. It runs each command of whoever has
// the login's identity, and ends the connection after it.
func ServeSSH(t T, run func(command string, conn io.ReadWriter, said io.Writer) error) Login {
	t.Helper()
	_, hostPEM := newSSHKey(t, "")
	client, clientPEM := newSSHKey(t, "")
	host, err := ssh.ParsePrivateKey(hostPEM)
	if err != nil {
		t.Fatalf("read a key: %v", err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if !bytes.Equal(key.Marshal(), client.Marshal()) {
			return nil, errors.New("another key")
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveLogin(conn, config, run)
		}
	}()
	addr := listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	return Login{
		Addr: addr, Identity: clientPEM,
		KnownHosts: []byte("[127.0.0.1]:" + port + " " + string(ssh.MarshalAuthorizedKey(host.PublicKey()))),
	}
}

// serveLogin serves one connection: one command.
func serveLogin(conn net.Conn, config *ssh.ServerConfig, run func(string, io.ReadWriter, io.Writer) error) {
	defer conn.Close()
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		for request := range asked {
			var exec struct{ Command string }
			if request.Type != "exec" || ssh.Unmarshal(request.Payload, &exec) != nil {
				_ = request.Reply(false, nil)
				continue
			}
			_ = request.Reply(true, nil)
			var status struct{ Code uint32 }
			if run(exec.Command, channel, channel.Stderr()) != nil {
				status.Code = 1
			}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(status))
			_ = channel.Close()
			return
		}
	}
}
