package login

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// maxSSHFile bounds a file of SSHSecret in bytes, as Kubernetes bounds a Secret.
const maxSSHFile = 1 << 20

// SSHSecret is a mounted Secret for a server of Git over ssh, with Flux's keys.
type SSHSecret struct {
	Identity   pinsetter.Secret // private key, PEM
	Password   pinsetter.Secret // of that key; zero: it has none
	KnownHosts []byte
}

// SSHSecret returns what the folder in PINSETTER_GIT_SSH holds if u, an ssh URL, is at
// PINSETTER_GIT_HOST, and nil if it is elsewhere or the variable isn't set. It is an
// error if a file is missing, too large or empty, or if no host is named: a key isn't
// offered to every server.
func (e Environment) SSHSecret(u *url.URL) (*SSHSecret, error) {
	dir := e.get("PINSETTER_GIT_SSH")
	if dir == "" {
		return nil, nil
	}
	if here, err := e.ownHost(u, "PINSETTER_GIT_SSH"); err != nil || !here {
		return nil, err
	}
	read := func(name string, required bool) ([]byte, error) {
		data, err := readBounded(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) && !required {
			return nil, nil
		}
		if err == nil && len(data) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			return nil, fmt.Errorf("read %s of the folder PINSETTER_GIT_SSH: %w: it needs the files identity and known_hosts (ssh-keyscan %s), as a Secret of Flux has them", name, err, u.Hostname())
		}
		return data, nil
	}
	identity, err := read("identity", true)
	if err != nil {
		return nil, err
	}
	hosts, err := read("known_hosts", true)
	if err != nil {
		return nil, err
	}
	password, err := read("password", false)
	if err != nil {
		return nil, err
	}
	return &SSHSecret{
		Identity:   pinsetter.NewSecret("PINSETTER_GIT_SSH", string(identity)),
		Password:   pinsetter.NewSecret("PINSETTER_GIT_SSH", strings.TrimRight(string(password), "\r\n")),
		KnownHosts: hosts,
	}, nil
}

// readBounded reads a file of at most maxSSHFile.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxSSHFile+1))
	if len(data) > maxSSHFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxSSHFile)
	}
	return data, err
}

// KnownHosts returns the known_hosts files that exist: the user's, then the
// system's.
func (e Environment) KnownHosts() []string {
	var files []string
	if e.Home != "" {
		files = append(files, filepath.Join(e.Home, ".ssh", "known_hosts"))
	}
	files = append(files, "/etc/ssh/ssh_known_hosts")
	var found []string
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			found = append(found, file)
		}
	}
	return found
}
