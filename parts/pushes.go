package parts

import (
	"os"
	"path/filepath"
	"strings"
)

// Push is one ref that a push moved.
type Push struct {
	Ref      string
	Old, New string   // hashes; forty zeros for a ref that wasn't, or is no more
	Options  []string // the push options that came with it
}

// notePushes appends a line to the file "pushes" for every ref of a push.
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

// Pushes returns what was pushed to the repository, oldest first. A post-receive
// hook of the repository's own options replaces the one that notes them.
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
