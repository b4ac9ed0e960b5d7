package login

import (
	"os"
	"path/filepath"
)

// KnownHosts returns the known_hosts files that exist: the user's, then the
// system's.
func (e Environment) KnownHosts() []string {
	var files []string
	if e.Home != "" {
		files = append(files, filepath.Join(e.Home, ".ssh", "known_hosts"))
	}
	files = append(files, "/etc/ssh/ssh_known_hosts")
	var found []string
	for _, file := range files {
		if _, err := os.Stat(file); err == nil {
			found = append(found, file)
		}
	}
	return found
}
