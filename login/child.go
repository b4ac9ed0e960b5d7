package login

import (
	"slices"
	"strings"
)

// gitVariables are the variables that git and a repository's hooks get: the
// locations of programs, settings and temporary files, and the language. None
// of them holds a credential.
var gitVariables = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE",
	"XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
	"SYSTEMROOT", "USERPROFILE", "TEMP", "TMP", "PATHEXT", // on Windows
}

// GitEnviron returns the environment for git. Environ is this process's
// environment in the form of os.Environ. Git runs the hooks of a local
// repository that it pushes to, and they must not get our secrets.
func GitEnviron(environ []string) []string {
	kept := []string{"GIT_TERMINAL_PROMPT=0"}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(gitVariables, strings.ToUpper(name)) || strings.HasPrefix(name, "LC_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// ownVariables are the credentials that this program itself reads from the
// environment, and those of forges and their tools.
var ownVariables = []string{
	"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN",
	"CI_JOB_TOKEN", "CI_JOB_JWT", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD", "GITLAB_TOKEN",
	"GITEA_TOKEN", "FORGEJO_TOKEN", "FLUX_TOKEN", "RENOVATE_TOKEN", "ACTIONS_RUNTIME_TOKEN",
	"DOCKER_AUTH_CONFIG", "PGPASSWORD", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
}

// HelperEnviron returns the environment for a credential helper. Environ is
// this process's environment in the form of os.Environ. Helpers log in to
// clouds and keyrings with variables of their own, so they get everything
// except the secrets of this program and of forges: PINSETTER_…, GITHUB_TOKEN
// and the like. The result is never nil, which os/exec would read as the whole
// environment.
func HelperEnviron(environ []string) []string {
	kept := []string{}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if name = strings.ToUpper(name); strings.HasPrefix(name, "PINSETTER_") || slices.Contains(ownVariables, name) {
			continue
		}
		kept = append(kept, variable)
	}
	return kept
}
