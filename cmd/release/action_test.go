//go:build unix

package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// action runs a script of the GitHub Action as a runner would, in dir and with
// programs of a folder in front of the PATH. It returns what it printed.
func action(t *testing.T, script, dir string, env ...string) (string, error) {
	t.Helper()
	path, err := filepath.Abs("../../action/" + script)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", path)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + dir + "/bin:" + os.Getenv("PATH"), "RUNNER_TEMP=" + dir,
		"GITHUB_PATH=" + dir + "/path", "GITHUB_OUTPUT=" + dir + "/output", "GITHUB_REPOSITORY=org/fleet",
	}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// executable writes a script that is found by its name.
func executable(t *testing.T, dir, name, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestActionInstallsWhatHasTheChecksum(t *testing.T) {
	name := fmt.Sprintf("pinsetter_v1.2.3_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	archive, err := tarball(time.Unix(0, 0), []entry{{name: "pinsetter", mode: 0o755, data: []byte("#!/bin/sh\necho pinsetter v1.2.3\n")}})
	if err != nil {
		t.Fatal(err)
	}
	right := fmt.Sprintf("%x", sha256.Sum256(archive))
	wrong := strings.Repeat("0", 64)
	serve := func(sums string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/v1.2.3/" + name:
				_, _ = w.Write(archive)
			case "/v1.2.3/checksums.txt":
				_, _ = w.Write([]byte(sums))
			default:
				http.NotFound(w, r)
			}
		}))
	}
	tests := []struct{ name, version, sha256, sums, want string }{
		{"checksums.txt", "v1.2.3", "", right + "  " + name + "\n", ""},
		{"a checksum of one's own", "v1.2.3", right, "", ""},
		{"another checksum", "v1.2.3", wrong, right + "  " + name + "\n", "isn't installed"},
		{"another one in checksums.txt", "v1.2.3", "", wrong + "  " + name + "\n", "isn't installed"},
		{"not in checksums.txt", "v1.2.3", "", right + "  other.tar.gz\n", "doesn't list"},
		{"no such release", "v9.9.9", "", "", "can't be downloaded"},
		{"no release", "main", "", "", "write it in full"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			server := serve(tt.sums)
			defer server.Close()
			out, err := action(t, "install", dir, "RELEASES="+server.URL, "VERSION="+tt.version, "SHA256="+tt.sha256)
			path, _ := os.ReadFile(dir + "/path")
			switch {
			case tt.want != "" && (err == nil || !strings.Contains(out, tt.want) || len(path) > 0):
				t.Errorf("want %q and nothing installed, got %v, %q:\n%s", tt.want, err, path, out)
			case tt.want == "" && (err != nil || !strings.Contains(out, "pinsetter v1.2.3") || !strings.HasPrefix(string(path), dir)):
				t.Errorf("got %v, %q:\n%s", err, path, out)
			}
		})
	}
}

func TestActionCommentsOnce(t *testing.T) {
	dir := t.TempDir()
	executable(t, dir, "pinsetter", `printf '<%s>\n' "$@"; echo '`+"````"+`'; exit 3`)
	executable(t, dir, "gh", `case "$*" in *--paginate*) cat "$RUNNER_TEMP/known" 2>/dev/null; exit 0;; esac; printf '%s\n' "$@" >>"$RUNNER_TEMP/gh"`)
	run := func(env ...string) (string, string, error) {
		_ = os.Remove(dir + "/gh")
		out, err := action(t, "command", dir, append([]string{"ARGS=-f 'my objects' -o json", "COMMENT=true", "PULL_REQUEST=7"}, env...)...)
		asked, _ := os.ReadFile(dir + "/gh")
		return out, string(asked), err
	}
	out, asked, err := run("COMMAND=lint")
	if err == nil || !strings.Contains(out, "<lint>\n<-f>\n<my objects>\n<-o>\n<json>\n") {
		t.Errorf("%v: %s", err, out)
	}
	if !strings.Contains(asked, "POST\nrepos/org/fleet/issues/7/comments\n") || !strings.Contains(asked, "body=<!-- pinsetter lint -->") || !strings.Contains(asked, "`````text\n") {
		t.Errorf("the first comment: %s", asked)
	}
	if err := os.WriteFile(dir+"/known", []byte("42\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, asked, _ = run("COMMAND=diff"); !strings.Contains(asked, "PATCH\nrepos/org/fleet/issues/comments/42\n") {
		t.Errorf("the second comment: %s", asked)
	}
	for _, quiet := range [][]string{{"COMMAND=run"}, {"COMMAND=lint", "COMMENT=false"}, {"COMMAND=lint", "PULL_REQUEST="}} {
		if _, asked, _ = run(quiet...); asked != "" {
			t.Errorf("%v comments: %s", quiet, asked)
		}
	}
	if out, _, err = run("COMMAND=rm"); err == nil || !strings.Contains(out, "write run, lint or diff") {
		t.Errorf("%v: %s", err, out)
	}
	if output, _ := os.ReadFile(dir + "/output"); !strings.HasPrefix(string(output), "status=3\n") {
		t.Errorf("output: %s", output)
	}
}
