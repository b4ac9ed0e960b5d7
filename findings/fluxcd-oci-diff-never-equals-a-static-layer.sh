#!/usr/bin/env bash
# github.com/fluxcd/pkg/oci 0.70.0: Client.Diff, behind `flux diff artifact`, always
# packs the local path as a tar with gzip and compares that with the first layer. An
# artifact that Client.Push made with LayerTypeStatic therefore differs from the very
# file that it was made of. For the same reason a folder differs from its own artifact
# once the umask of the checkout was another one: the tar has the files' modes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod
go mod init finding 2>/dev/null
go get github.com/fluxcd/pkg/oci@v0.70.0 github.com/google/go-containerregistry@v0.22.1 2>/dev/null
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/fluxcd/pkg/oci"
	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	ctx, client := context.Background(), oci.NewClient(oci.DefaultOptions())
	host := strings.TrimPrefix(server.URL, "http://")
	check(os.MkdirAll("site", 0o755))
	check(os.WriteFile("site/a.yaml", []byte("a: 1\n"), 0o644))
	check(os.Chmod("site/a.yaml", 0o644))

	static := host + "/static:1"
	_, err := client.Push(ctx, static, "site/a.yaml", oci.WithPushLayerType(oci.LayerTypeStatic))
	check(err)
	fmt.Println("static, the same file:", client.Diff(ctx, static, "site/a.yaml", nil))

	folder := host + "/folder:1"
	_, err = client.Push(ctx, folder, "site")
	check(err)
	fmt.Println("folder, the same:", client.Diff(ctx, folder, "site", nil))
	check(os.Chmod("site/a.yaml", 0o600))
	fmt.Println("folder, umask 077:", client.Diff(ctx, folder, "site", nil))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
GO
go run . | tee seen
cat >expected <<'SEEN'
static, the same file: the remote artifact contents differs from the local one
folder, the same: <nil>
folder, umask 077: the remote artifact contents differs from the local one
SEEN
diff expected seen && echo "as seen with github.com/fluxcd/pkg/oci v0.70.0"
