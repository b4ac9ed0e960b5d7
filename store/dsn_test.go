package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
	"github.com/pinsetter/pinsetter/store"
)

func TestParseDSN(t *testing.T) {
	tests := []struct{ in, want, wrong string }{
		{in: "none", want: "none"},
		{in: "sqlite:/var/lib/state.db", want: "sqlite:/var/lib/state.db"},
		{in: "sqlite:state dir/ä?#%20.db", want: "sqlite:state dir/ä?#%20.db"},
		{in: "sqlite:./a/../b.db", want: "sqlite:b.db"},
		{in: "postgres://u:secret@db.example:5433/state?sslmode=require&password=secret", want: "postgres://db.example:5433/state"},
		{in: "postgresql://u@db.example/state", want: "postgres://db.example/state"},
		{in: "postgres:///state?host=/run/postgresql&user=u", want: "postgres:///state?host=%2Frun%2Fpostgresql"},
		{in: "postgres://u:sec%40ret@h1,h2:5433/state", want: "postgres://h1,h2:5433/state"},

		{in: "", wrong: "empty"},
		{in: "None", wrong: "doesn't say which database"},
		{in: "/var/lib/state.db", wrong: "doesn't say which database"},
		{in: "host=db user=u password=secret", wrong: "doesn't say which database"},
		{in: "mysql://u:secret@db/state", wrong: `"mysql:" is unknown`},
		{in: "postgres:u:secret@db/state", wrong: `"postgres:" is unknown`},
		{in: "sqlite:", wrong: "the path is missing"},
		{in: "sqlite::memory:", wrong: "none"},
		{in: "sqlite:///var/lib/state.db", wrong: "such as sqlite:/var"},
		{in: "sqlite:~/state.db", wrong: "in full"},
		{in: "sqlite:state/", wrong: "name a file"},
		{in: "sqlite:a\x00b", wrong: "NUL"},
		{in: "postgres://u:sec/ret@db/state", wrong: "percent-encode"},
		{in: "postgres://u:12/secret@db/state", wrong: "percent-encode"},
		{in: "postgres://u:12?secret@db/state", wrong: "percent-encode"},
		{in: "postgres://u:12#secret@db/state", wrong: "percent-encode"},
		{in: "postgres://u:%zzsecret@db/state", wrong: "percent-encode"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			dsn, err := store.ParseDSN(tt.in)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("error %v, want one that says %q", err, tt.wrong)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v shows the password", err)
				}
				return
			}
			if err != nil || dsn.String() != tt.want {
				t.Errorf("%v, %v, want %q", dsn, err, tt.want)
			}
		})
	}
}

func TestDefaultDSN(t *testing.T) {
	tests := []struct{ name, state, home, want string }{
		{"home", "", "/home/u", "sqlite:/home/u/.local/state/pinsetter/state.db"},
		{"XDG", "/state", "/home/u", "sqlite:/state/pinsetter/state.db"},
		{"a relative one counts for nothing", "state", "/home/u", "sqlite:/home/u/.local/state/pinsetter/state.db"},
		{"XDG without a home", "/state", "", "sqlite:/state/pinsetter/state.db"},
		{"neither", "", "", ""},
		{"neither is absolute", "a", "b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			getenv := func(name string) string {
				if name != "XDG_STATE_HOME" {
					t.Errorf("asked for %s", name)
				}
				return tt.state
			}
			dsn, err := store.DefaultDSN(getenv, tt.home)
			if (err != nil) != (tt.want == "") || err == nil && dsn.String() != tt.want {
				t.Errorf("%v, %v, want %q", dsn, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "--state") {
				t.Errorf("error %q has no way out", err)
			}
		})
	}
}

// FuzzParseDSN holds that a DSN prints as one that names the same place, and
// that neither it nor an error shows a password.
func FuzzParseDSN(f *testing.F) {
	for _, seed := range []string{"none", "sqlite:/a", "sqlite:a b?c#d%", "sqlite://a", "postgres://h/d",
		"postgres:///d?host=/run", "postgres://[::1]:5432/d?sslmode=off", "mysql://h", ":", "postgres://u:p@h"} {
		f.Add(seed, "pa55word")
	}
	f.Fuzz(func(t *testing.T, s, password string) {
		budget.Affords(t, len(s)+len(password), func() {
			dsn, err := store.ParseDSN(s)
			if err == nil {
				again, err := store.ParseDSN(dsn.String())
				if err != nil || again.String() != dsn.String() {
					t.Errorf("%q prints as %q, which is read as %q, %v", s, dsn, again, err)
				}
			}
			secret := "s3cr3t" + password
			dsn, err = store.ParseDSN("postgres://u:" + secret + "@h/d")
			shown := fmt.Sprintf("%v %+v %#v %s %d %v", dsn, dsn, dsn, dsn, dsn, err)
			if strings.Contains(shown, "s3cr3t") {
				t.Errorf("%q is shown as %s", secret, shown)
			}
		})
	})
}
