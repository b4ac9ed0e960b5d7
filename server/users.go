package server

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// maxCost bounds the cost of a hash. Each increment doubles the time of a
// check, and 14 takes about a second.
const maxCost = 14

// users maps the names of users to the bcrypt hashes of their passwords.
type users struct {
	hashes map[string][]byte
	decoy  []byte // the most costly hash: passwords of unknown users are checked against it
}

// parseUsers parses lines of "name:hash" in the format of htpasswd -B
// (https://httpd.apache.org/docs/2.4/misc/password_encryptions.html). It skips
// empty lines and those that begin with #. An error shows at most the line's
// number and name.
func parseUsers(data []byte) (users, error) {
	u := users{hashes: map[string][]byte{}}
	highest, number := 0, 0
	for line := range bytes.Lines(data) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, hash, found := strings.Cut(string(line), ":")
		if !found || name == "" {
			return users{}, fmt.Errorf("line %d is not name:hash, as htpasswd -B writes it", number)
		}
		cost, err := bcrypt.Cost([]byte(hash))
		switch {
		case err != nil:
			return users{}, fmt.Errorf("line %d: the password of %q is not hashed by bcrypt: make it with htpasswd -B", number, name)
		case cost > maxCost:
			return users{}, fmt.Errorf("line %d: the hash of %q has cost %d, and a check would take too long: make it with htpasswd -B -C %d at most", number, name, cost, maxCost)
		case u.hashes[name] != nil:
			return users{}, fmt.Errorf("line %d: %q is there twice: remove one of the lines", number, name)
		}
		u.hashes[name] = []byte(hash)
		if cost > highest {
			highest, u.decoy = cost, []byte(hash)
		}
	}
	if len(u.hashes) == 0 {
		return users{}, errors.New("it names nobody: add lines with htpasswd -B")
	}
	return u, nil
}
