// Command flux-artifact is Flux's packages for artifacts behind a command line, since
// tests need them and the flux command can't be built as a module. It has the
// arguments of `flux push|pull|diff|list|tag artifact`.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/fluxcd/pkg/oci"
	"github.com/fluxcd/pkg/sourceignore"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// excluded are the default exclusions of the flux command (cmd/flux/build_artifact.go).
const excluded = sourceignore.ExcludeVCS + "," + sourceignore.ExcludeExt

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: flux-artifact push|pull|diff|list|tag oci://... [flags]")
	}
	verb := args[0]
	url := strings.TrimPrefix(args[1], oci.OCIRepositoryPrefix)
	f := flag.NewFlagSet(verb, flag.ContinueOnError)
	path := f.String("path", "", "")
	source := f.String("source", "", "")
	revision := f.String("revision", "", "")
	created := f.String("created", "", "")
	ignore := f.String("ignore-paths", excluded, "")
	kind := f.String("layer-type", "tarball", "")
	output := f.String("output", "", "")
	tag := f.String("tag", "", "")
	if err := f.Parse(args[2:]); err != nil {
		return err
	}
	ctx, client := context.Background(), oci.NewClient(oci.DefaultOptions())
	ignored := strings.Split(*ignore, ",")
	var found any
	var err error
	switch verb {
	case "push":
		found, err = client.Push(ctx, url, *path, oci.WithPushLayerType(oci.LayerType(*kind)), oci.WithPushIgnorePaths(ignored...),
			oci.WithPushMetadata(oci.Metadata{Source: *source, Revision: *revision, Created: *created}))
	case "pull":
		found, err = client.Pull(ctx, url, *output)
	case "diff":
		err = client.Diff(ctx, url, *path, ignored)
	case "list":
		found, err = client.List(ctx, url, oci.ListOptions{})
	case "tag":
		found, err = client.Tag(ctx, url, *tag)
	default:
		err = fmt.Errorf("unknown verb %q", verb)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
