package login

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// netrcLimit bounds the bytes read of a netrc file.
const netrcLimit = 1 << 20

// netrcEntry is one machine of a netrc file.
type netrcEntry struct{ machine, login, password string }

// netrc returns the credential in $NETRC, else ~/.netrc. An entry must name the
// host, and the user if the URL has one. A default entry never counts: it would
// offer a credential to any host.
func (e Environment) netrc(u *url.URL) (GitCredential, bool, error) {
	path := e.get("NETRC")
	if path == "" && e.Home != "" {
		path = filepath.Join(e.Home, ".netrc")
	}
	if path == "" {
		return GitCredential{}, false, nil
	}
	entries, err := readNetrc(path)
	if err != nil {
		return GitCredential{}, false, fmt.Errorf("read credentials: %w", err)
	}
	for _, entry := range entries {
		if !strings.EqualFold(entry.machine, u.Hostname()) || entry.password == "" {
			continue
		}
		if user := u.User.Username(); user != "" && user != entry.login {
			continue
		}
		secret := pinsetter.NewSecret(fmt.Sprintf("%s, machine %s", path, entry.machine), entry.password)
		return GitCredential{entry.login, secret}, true, nil
	}
	return GitCredential{}, false, nil
}

// readNetrc returns the entries of a file, none if it doesn't exist.
func readNetrc(path string) ([]netrcEntry, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, netrcLimit+1))
	if err != nil {
		return nil, err
	}
	if len(data) > netrcLimit {
		return nil, fmt.Errorf("%s is over %d bytes", path, netrcLimit)
	}
	return parseNetrc(string(data)), nil
}

// parseNetrc parses a netrc file like curl
// (https://everything.curl.dev/usingcurl/netrc.html): machine, login, password
// and account with their values, quoted or not, in any layout, and comments. It
// skips macros and default entries.
func parseNetrc(data string) []netrcEntry {
	var entries []netrcEntry
	var entry *netrcEntry // nil before the first machine and in a default entry
	var spare netrcEntry
	tokens := netrcTokens{rest: data}
	for {
		word, ok := tokens.next()
		if !ok {
			return entries
		}
		switch word {
		case "machine":
			name := tokens.value()
			entries = append(entries, netrcEntry{machine: name})
			entry = &entries[len(entries)-1]
		case "default":
			entry = nil
		case "macdef":
			tokens.skipMacro()
		case "login", "password", "account":
			value := tokens.value()
			target := entry
			if target == nil {
				target = &spare
			}
			target.set(word, value)
		}
	}
}

func (e *netrcEntry) set(word, value string) {
	switch word {
	case "login":
		e.login = value
	case "password":
		e.password = value
	}
}

// netrcTokens splits a netrc file into words.
type netrcTokens struct{ rest string }

// next returns the next word that isn't in a comment, and false at the end.
func (t *netrcTokens) next() (string, bool) {
	for {
		t.rest = strings.TrimLeft(t.rest, " \t\r\n")
		if !strings.HasPrefix(t.rest, "#") {
			break
		}
		_, t.rest, _ = strings.Cut(t.rest, "\n")
	}
	if t.rest == "" {
		return "", false
	}
	return t.value(), true
}

// value returns the next word, which may begin with #, and "" at the end.
func (t *netrcTokens) value() string {
	t.rest = strings.TrimLeft(t.rest, " \t\r\n")
	if strings.HasPrefix(t.rest, `"`) {
		return t.quoted()
	}
	end := strings.IndexAny(t.rest, " \t\r\n")
	if end < 0 {
		end = len(t.rest)
	}
	word := t.rest[:end]
	t.rest = t.rest[end:]
	return word
}

// quoted returns a word in double quotes, without backslash escapes.
func (t *netrcTokens) quoted() string {
	var word strings.Builder
	for i := 1; i < len(t.rest); i++ {
		switch c := t.rest[i]; {
		case c == '"':
			t.rest = t.rest[i+1:]
			return word.String()
		case c == '\\' && i+1 < len(t.rest):
			i++
			word.WriteByte(unescaped(t.rest[i]))
		default:
			word.WriteByte(c)
		}
	}
	t.rest = ""
	return word.String()
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// skipMacro skips a macro, which ends at the first empty line.
func (t *netrcTokens) skipMacro() {
	t.rest = strings.ReplaceAll(t.rest, "\r\n", "\n")
	_, t.rest, _ = strings.Cut(t.rest, "\n\n")
}
