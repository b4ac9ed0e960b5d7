package store

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/pinsetter/pinsetter"
)

// DSN says where the ledger is kept. It prints without user, password and
// parameters in every verb. The zero DSN is that of "none".
type DSN struct {
	path string           // of the SQLite database
	url  pinsetter.Secret // of the PostgreSQL database
	name string           // what prints
}

// forms is what every error about a DSN ends with.
const forms = "want sqlite:PATH, postgres://USER@HOST/DATABASE or none"

// scheme is what may be shown of a DSN that isn't understood: the rest may hold
// a password.
var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*$`)

// ParseDSN reads "sqlite:PATH", "postgres://…" (also "postgresql://…") or
// "none". What PostgreSQL's address leaves out comes from the environment and
// the files that its own clients read: PGPASSWORD, PGSSLMODE, ~/.pgpass. Errors
// name the forms and show nothing of what may be a password.
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
	case strings.Contains(s, ":") && scheme.MatchString(kind):
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

// DefaultDSN returns where the state is kept when nobody says otherwise:
// $XDG_STATE_HOME/pinsetter/state.db, or ~/.local/state/pinsetter/state.db. As
// the XDG base directory specification 0.8 demands, a variable that holds no
// absolute path counts for nothing. Home is the user's home directory, "" where
// there is none.
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

// String returns the DSN as --state takes it, without user, password and
// parameters.
func (d DSN) String() string {
	if d.name == "" {
		return "none"
	}
	return d.name
}

// Folder returns the directory that the ledger's file is in, where it is a file,
// else "".
func (d DSN) Folder() string {
	if d.path == "" {
		return ""
	}
	return filepath.Dir(d.path)
}

// Format writes what String returns, whatever the verb.
func (d DSN) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }
