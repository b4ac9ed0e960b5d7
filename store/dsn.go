package store

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// DSN is the address of a ledger. In every verb it prints without user,
// password and parameters. The zero DSN is "none".
type DSN struct {
	path string           // of the SQLite database
	url  pinsetter.Secret // of the PostgreSQL database
	name string           // its printed form
}

// forms ends every error about a DSN.
const forms = "want sqlite:PATH, postgres://USER@HOST/DATABASE or none"

// scheme matches the part of an unknown DSN that may be displayed. The rest may
// hold a password.
var scheme = pinsetter.Pattern(`^[a-zA-Z][a-zA-Z0-9+.-]*$`)

// ParseDSN parses "sqlite:PATH", "postgres://…" (also "postgresql://…") or
// "none". Missing parts of a PostgreSQL address come from the environment and
// files that PostgreSQL's own clients read: PGPASSWORD, PGSSLMODE, ~/.pgpass.
// Errors list the valid forms and never show a possible password.
func ParseDSN(s string) (DSN, error) {
	if s == "none" {
		return DSN{}, nil
	}
	kind, rest, _ := strings.Cut(s, ":")
	switch {
	case s == "":
		return DSN{}, errors.New("read state address: it is empty: " + forms)
	case kind == "sqlite":
		return sqliteDSN(rest)
	case strings.HasPrefix(s, "postgres://"), strings.HasPrefix(s, "postgresql://"):
		return postgresDSN(s)
	case strings.Contains(s, ":") && scheme().MatchString(kind):
		return DSN{}, fmt.Errorf("read state address: %q is unknown: %s", kind+":", forms)
	}
	return DSN{}, errors.New("read state address: it doesn't say which database: " + forms)
}

func sqliteDSN(path string) (DSN, error) {
	var problem string
	switch {
	case path == "":
		problem = "the path is missing"
	case strings.ContainsRune(path, 0):
		problem = "a path has no NUL byte"
	case path == ":memory:":
		problem = `memory doesn't last: say "none"`
	case strings.HasPrefix(path, "//"):
		problem = "write the path alone, such as sqlite:/var/lib/pinsetter/state.db"
	case strings.HasPrefix(path, "~"):
		problem = "nobody expands ~ here: write the path in full"
	case strings.HasSuffix(path, "/"):
		problem = "that is a directory: name a file in it"
	default:
		path = filepath.Clean(path)
		return DSN{path: path, name: "sqlite:" + path}, nil
	}
	return DSN{}, fmt.Errorf("read state address %q: %s", "sqlite:"+path, problem)
}

func postgresDSN(s string) (DSN, error) {
	bad := errors.New("read state address: not a PostgreSQL URL (it isn't shown, as it may hold a password): " +
		"percent-encode what is special in user and password, such as %40 for @: " + forms)
	u, err := url.Parse(s)
	if err != nil || u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return DSN{}, bad // url's error quotes parts of the password
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return DSN{}, bad
	}
	shown := url.URL{Scheme: "postgres", Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	if host := query.Get("host"); u.Host == "" && host != "" {
		shown.RawQuery = url.Values{"host": {host}}.Encode()
	}
	return DSN{url: pinsetter.NewSecret("state address", s), name: shown.String()}, nil
}

// DefaultDSN returns the default location of the state:
// $XDG_STATE_HOME/pinsetter/state.db, or ~/.local/state/pinsetter/state.db. As
// the XDG base directory specification 0.8 requires, a variable without an
// absolute path is ignored. Home is the user's home directory, or "".
func DefaultDSN(getenv func(string) string, home string) (DSN, error) {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		if !filepath.IsAbs(home) {
			return DSN{}, errors.New("find the state directory: neither XDG_STATE_HOME nor HOME is an absolute path: " +
				"set one, or say where by --state (none, to keep nothing)")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return sqliteDSN(filepath.Join(state, "pinsetter", "state.db"))
}

// String returns the DSN in the form of --state, without user, password and
// parameters.
func (d DSN) String() string {
	if d.name == "" {
		return "none"
	}
	return d.name
}

// Folder returns the directory of the ledger's file, or "" if the ledger is no
// file.
func (d DSN) Folder() string {
	if d.path == "" {
		return ""
	}
	return filepath.Dir(d.path)
}

// Format prints the result of String, whatever the verb.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }
