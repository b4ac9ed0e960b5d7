package server_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/pinsetter/pinsetter/server"
)

// passwords writes a file of names and passwords, in pairs.
func passwords(t *testing.T, pairs ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "htpasswd")
	replace(t, path, hashed(t, pairs...))
	return path
}

func hashed(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var lines strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		hash, err := bcrypt.GenerateFromPassword([]byte(pairs[i+1]), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s:%s\n", pairs[i], hash)
	}
	return []byte(lines.String())
}

// knock returns what a page answers to a name and a password.
func knock(t *testing.T, url, name, password string) int {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(name, password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}

func TestThePageAsksForAPasswordAndHealthDoesNot(t *testing.T) {
	_, base := start(t, server.Options{Source: newWorld(fleet()), AuthFile: passwords(t, "ada", "lovelace", "bob", "b:c")})
	for _, path := range []string{"/", "/policies", "/policies/shop/storefront", "/api/v1/status", "/style.css", "/no-such-page"} {
		if status, _ := get(t, base+path); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, _ := get(t, base+path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, test := range []struct {
		name, password string
		want           int
	}{
		{"ada", "lovelace", 200}, {"bob", "b:c", 200}, {"ada", "b:c", 401}, {"ada", "", 401}, {"", "", 401},
		{"ada", "Lovelace", 401}, {"eve", "lovelace", 401}, {"ada", "lovelace", 200},
	} {
		if got := knock(t, base+"/", test.name, test.password); got != test.want {
			t.Errorf("%s, %s: %d", test.name, test.password, got)
		}
	}
}

// TestHtpasswdsOwnHash holds a hash that Apache's htpasswd -nbB made.
func TestHtpasswdsOwnHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "htpasswd")
	replace(t, path, []byte("# the team\r\n\r\nmyName:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\r\n"))
	_, base := start(t, server.Options{Source: newWorld(fleet()), AuthFile: path})
	if got := knock(t, base+"/", "myName", "myPassword"); got != http.StatusOK {
		t.Error(got)
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	var now atomic.Pointer[time.Time]
	now.Store(&noon)
	_, base := start(t, server.Options{
		Source: newWorld(fleet()), AuthFile: passwords(t, "ada", "lovelace", "bob", "builder"),
		Now: func() time.Time { return *now.Load() },
	})
	if got := knock(t, base+"/", "ada", "lovelace"); got != 200 {
		t.Fatal(got)
	}
	for i := range 10 {
		if got := knock(t, base+"/", "bob", fmt.Sprint(i)); got != 401 {
			t.Fatalf("attempt %d: %d", i, got)
		}
	}
	if got := knock(t, base+"/", "bob", "builder"); got != 429 {
		t.Errorf("after ten: %d", got)
	}
	if got := knock(t, base+"/", "ada", "lovelace"); got != 200 {
		t.Errorf("who was let in before: %d", got)
	}
	later := noon.Add(time.Minute)
	now.Store(&later)
	if got := knock(t, base+"/", "bob", "builder"); got != 200 {
		t.Errorf("a minute later: %d", got)
	}
	for range 20 { // what is right is no attempt
		if got := knock(t, base+"/", "bob", "builder"); got != 200 {
			t.Fatal(got)
		}
	}
}

func TestPasswordsAreReadAgain(t *testing.T) {
	path := passwords(t, "ada", "lovelace")
	_, base := start(t, server.Options{Source: newWorld(fleet()), AuthFile: path})
	if got := knock(t, base+"/", "ada", "lovelace"); got != 200 {
		t.Fatal(got)
	}
	replace(t, path, hashed(t, "ada", "byron", "bob", "builder"))
	for _, test := range []struct {
		name, password string
		want           int
	}{{"ada", "lovelace", 401}, {"ada", "byron", 200}, {"bob", "builder", 200}} {
		if got := knock(t, base+"/", test.name, test.password); got != test.want {
			t.Errorf("changed: %s, %s: %d", test.name, test.password, got)
		}
	}
	replace(t, path, []byte("broken"))
	if got := knock(t, base+"/", "ada", "byron"); got != 200 {
		t.Errorf("broken: %d", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := knock(t, base+"/", "ada", "byron"); got != 200 {
		t.Errorf("gone: %d", got)
	}
	replace(t, path, hashed(t, "bob", "builder"))
	if got := knock(t, base+"/", "ada", "byron"); got != 401 {
		t.Errorf("taken out: %d", got)
	}
}
