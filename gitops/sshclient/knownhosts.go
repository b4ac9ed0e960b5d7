package sshclient

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/pinsetter/pinsetter/fleet"
	"github.com/pinsetter/pinsetter/login"
)

// hostKeys reads the known hosts: the secret's, without a secret those of user
// and system.
func hostKeys(auth fleet.GitAuth, e login.Environment) (*knownhosts.HostKeyDB, string, error) {
	files, from := e.KnownHosts(), "known_hosts of user and system"
	if auth.Set {
		if len(auth.KnownHosts) == 0 {
			return nil, "", errors.New("the secret has no known_hosts, which ssh needs: ssh-keyscan prints them")
		}
		file, err := temporary(auth.KnownHosts)
		if err != nil {
			return nil, "", err
		}
		defer os.Remove(file)
		files, from = []string{file}, "known_hosts of the secret"
	}
	if len(files) == 0 {
		return nil, "", errors.New("no known_hosts file: give a secretRef with known_hosts")
	}
	hosts, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", from, hideFile(err, files[0]))
	}
	return hosts, from, nil
}

// hideFile drops the name of a temporary file from an error.
func hideFile(err error, file string) error {
	if !strings.HasPrefix(file, os.TempDir()) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), file, "line"))
}

// temporary writes data to a file, since known hosts can be read from files
// only.
func temporary(data []byte) (string, error) {
	f, err := os.CreateTemp("", "pinsetter-known-hosts-")
	if err != nil {
		return "", fmt.Errorf("write known_hosts for reading: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write known_hosts for reading: %w", err)
	}
	return f.Name(), nil
}

// errHostKey is for a server that isn't known, or isn't who it was.
var errHostKey = errors.New("host key not accepted")

// checkHost is called with the server's key.
func (s *Server) checkHost(name string, remote net.Addr, key ssh.PublicKey) error {
	err := s.hosts.HostKeyCallback()(name, remote, key)
	if err == nil {
		return nil
	}
	shown := key.Type() + " " + ssh.FingerprintSHA256(key)
	switch {
	case knownhosts.IsHostKeyChanged(err):
		return fmt.Errorf("%w: %s has key %s, and %s has another for it: find out why before you replace it", errHostKey, s.address, shown, s.from)
	case knownhosts.IsHostUnknown(err):
		return fmt.Errorf("%w: %s has key %s, and %s has none for it: add it if it is the right one", errHostKey, s.address, shown, s.from)
	}
	return fmt.Errorf("%w: %s: %w", errHostKey, s.from, err)
}
