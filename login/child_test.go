package login

import (
	"slices"
	"testing"
)

func TestChildrenGetNoCredentialsOfOurs(t *testing.T) {
	environ := []string{
		"PATH=/bin", "HOME=/home/me", "LC_ALL=C", "AWS_SESSION_TOKEN=a", "XDG_RUNTIME_DIR=/run", "DBUS_SESSION_BUS_ADDRESS=d", "HTTPS_PROXY=p",
		"PINSETTER_GIT_TOKEN=s", "PINSETTER_STATE=postgres://u:s@h", "pinsetter_git_token=s", "GITHUB_TOKEN=s", "GITLAB_TOKEN=s", "CI_JOB_TOKEN=s",
		"GITEA_TOKEN=s", "DOCKER_AUTH_CONFIG=s", "SSH_AUTH_SOCK=/s", "PGPASSWORD=s",
	}
	if got, want := GitEnviron(environ), []string{"GIT_TERMINAL_PROMPT=0", "PATH=/bin", "HOME=/home/me", "LC_ALL=C"}; !slices.Equal(got, want) {
		t.Errorf("git gets %q, want %q", got, want)
	}
	if got, want := HelperEnviron(environ), environ[:7]; !slices.Equal(got, want) {
		t.Errorf("a helper gets %q, want %q", got, want)
	}
	if HelperEnviron(nil) == nil || GitEnviron(nil) == nil {
		t.Error("nil, which means all to os/exec")
	}
}
