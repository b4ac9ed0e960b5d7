#!/usr/bin/env bash
# go.yaml.in/yaml v3.0.5 (and gopkg.in/yaml.v3 3.0.1): the escape \/ of JSON, which
# PHP's json_encode and others write by default, and which YAML 1.2.2 has too
# (section 5.7, "ns-esc-slash"), is "unknown escape character". A JSON file with
# "apiVersion": "apps\/v1" is refused as YAML. sigs.k8s.io/yaml 1.6.0, which has
# such files on its way to a cluster, refuses it as well.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod
go mod init finding 2>/dev/null
go get go.yaml.in/yaml/v3@v3.0.5 gopkg.in/yaml.v3@v3.0.1 sigs.k8s.io/yaml@v1.6.0 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	ours "go.yaml.in/yaml/v3"
	older "gopkg.in/yaml.v3"
	kubernetes "sigs.k8s.io/yaml"
)

func main() {
	text := []byte(`{"apiVersion": "apps\/v1", "kind": "Deployment"}`)
	var object map[string]any
	fmt.Println("encoding/json:", json.Unmarshal(text, &object), object["apiVersion"])
	fmt.Println("go.yaml.in/yaml/v3:", ours.Unmarshal(text, &map[string]any{}))
	fmt.Println("gopkg.in/yaml.v3:", older.Unmarshal(text, &map[string]any{}))
	fmt.Println("sigs.k8s.io/yaml:", kubernetes.Unmarshal(text, &map[string]any{}))
}
GO
go run . | tee seen
cat >expected <<'SEEN'
encoding/json: <nil> apps/v1
go.yaml.in/yaml/v3: yaml: found unknown escape character
gopkg.in/yaml.v3: yaml: found unknown escape character
sigs.k8s.io/yaml: error converting YAML to JSON: yaml: found unknown escape character
SEEN
diff expected seen && echo "as seen with go.yaml.in/yaml v3.0.5"
