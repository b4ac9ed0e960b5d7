package parts

import (
	"os"
	"path/filepath"
	"strings"
)

// Push is the update of one ref by a push.
type Push struct {
	Ref      string
	Old, New string   // hashes; forty zeros for a new or deleted ref
	Options  []string // the push's options
}

// notePushes is a hook that appends a line to the file "pushes" for every
// pushed ref.
const notePushes = `#!/bin/sh
while read -r old new ref; do
	line="$ref	$old	$new"
	i=0
	while [ "$i" -lt "${GIT_PUSH_OPTION_COUNT:-0}" ]; do
		eval "line=\"\$line	\$GIT_PUSH_OPTION_$i\""
		i=$((i + 1))
	done
	printf '%s\n' "$line" >>pushes
done
`

// Pushes returns the pushes to the repository, oldest first. A post-receive
// hook in the repository's options replaces the hook that records them.
func (r *Repository) Pushes() []Push {
	r.git.t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Dir, "pushes"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		r.git.t.Fatalf("read pushes: %v", err)
	}
	var pushes []Push
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		pushes = append(pushes, Push{Ref: fields[0], Old: fields[1], New: fields[2], Options: fields[3:]})
	}
	return pushes
}
