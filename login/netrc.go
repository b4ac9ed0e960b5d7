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

// netrcLimit bounds what is read of a netrc file, in bytes.
const netrcLimit = 1 << 20

// netrcEntry is one machine of a netrc file.
type netrcEntry struct{ machine, login, password string }

// netrc answers from $NETRC, else ~/.netrc. An entry counts if it names the
// host, and the user where the URL has one. A default entry never counts: it
// would give a credential to any host.
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

// readNetrc returns the machines of a file; none when it doesn't exist.
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

// parseNetrc reads what curl reads of a netrc file
// (https://everything.curl.dev/usingcurl/netrc.html): machine, login, password
// and account with their values, quoted or not, in any layout; comments; and
// macros, which are passed over. Default entries are left out.
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

// netrcTokens cuts a netrc file into words.
type netrcTokens struct{ rest string }

// next returns the next word that is no comment, and false at the end.
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

// quoted reads a word in double quotes, in which a backslash escapes.
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

// skipMacro passes over a macro: it ends at the first empty line.
func (t *netrcTokens) skipMacro() {
	t.rest = strings.ReplaceAll(t.rest, "\r\n", "\n")
	_, t.rest, _ = strings.Cut(t.rest, "\n\n")
}
