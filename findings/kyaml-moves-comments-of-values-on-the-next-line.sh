#!/usr/bin/env bash
# sigs.k8s.io/kustomize/kyaml 0.21.2: encoding a document again moves a comment
# that stands between a key and a value on the next line, and where to depends on
# the line that it is on. Behind the key, it comes to stand behind the value: it is
# the value's now. On a line of its own, it comes to stand below the value: it is
# the next key's. Tools that read line comments (setters, policies, linters) see
# another document after a formatting that changed no value.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod
go mod init finding 2>/dev/null
go get sigs.k8s.io/kustomize/kyaml@v0.21.2 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func main() {
	for _, text := range []string{"tag: # note\n  v1\nname: a\n", "tag:\n  # note\n  v1\nname: a\n"} {
		node, err := yaml.Parse(text)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%q -> %q\n", text, node.MustString())
	}
}
GO
go run . | tee seen
cat >expected <<'SEEN'
"tag: # note\n  v1\nname: a\n" -> "tag: v1 # note\nname: a\n"
"tag:\n  # note\n  v1\nname: a\n" -> "tag: v1\n# note\nname: a\n"
SEEN
diff expected seen && echo "as seen with kyaml 0.21.2"
