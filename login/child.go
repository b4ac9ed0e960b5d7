package login

import (
	"slices"
	"strings"
)

// gitVariables are those that git and a repository's hooks get of the
// environment: where programs, settings and temporary files are, and how people
// are spoken to. None of them holds a credential.
var gitVariables = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LANGUAGE",
	"XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
	"SYSTEMROOT", "USERPROFILE", "TEMP", "TMP", "PATHEXT", // of Windows
}

// GitEnviron returns what git is started with out of this process's environment,
// which is given as os.Environ returns it: git runs the hooks of the repository
// that is pushed to, and nothing of ours is for them.
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

// ownVariables are the credentials that this program takes from the environment
// itself, and what forges and their tools call theirs.
var ownVariables = []string{
	"GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN",
	"CI_JOB_TOKEN", "CI_JOB_JWT", "CI_REGISTRY_PASSWORD", "CI_DEPLOY_PASSWORD", "GITLAB_TOKEN",
	"GITEA_TOKEN", "FORGEJO_TOKEN", "FLUX_TOKEN", "RENOVATE_TOKEN", "ACTIONS_RUNTIME_TOKEN",
	"DOCKER_AUTH_CONFIG", "PGPASSWORD", "SSH_AUTH_SOCK", "SSH_AGENT_PID",
}

// HelperEnviron returns what a credential helper is started with out of this
// process's environment, which is given as os.Environ returns it. Helpers log in
// to clouds and keyrings with what the environment has for these, so all of it
// but what is for this program and for forges: PINSETTER_…, GITHUB_TOKEN and
// their like. It is never nil, which means all to os/exec.
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
