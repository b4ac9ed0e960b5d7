// Command release builds the published files of a commit: the container image,
// the binaries with their archives, checksums and bills of materials
// (SBOMs), and the Helm chart. It uploads nothing except image and chart, and
// those only on request.
//
// The same commit gives the same bytes: times are the commit's, and everything
// else comes from go.mod and this folder. It needs Go and git.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const use = `release builds what is published of the current commit.

  release [flags] image          the container image, as an OCI layout in DIR/image
  release [flags] chart          the Helm chart, DIR/pinsetter-VERSION.tgz
  release [flags] all            both, and archives of the binaries, SBOMs and checksums.txt
  release [flags] push REGISTRY/REPOSITORY:TAG
                                 pushes the layout in DIR/image with its SBOMs
  release [flags] push-chart REGISTRY/REPOSITORY
                                 pushes the chart in DIR as REGISTRY/REPOSITORY/pinsetter:VERSION

`

func main() {
	var r release
	flag.StringVar(&r.dir, "out", "dist", "the folder that is written; what is there is replaced")
	flag.StringVar(&r.version, "version", "", "the release, such as v1.2.3 (default: what git describes)")
	images := flag.String("image-platforms", "linux/amd64,linux/arm64", "what the image is built for")
	binaries := flag.String("platforms", "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64", "what binaries are built for")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), use)
		flag.PrintDefaults()
	}
	flag.Parse()
	r.images, r.binaries = strings.Split(*images, ","), strings.Split(*binaries, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.do(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is a version to build, with its folder and its platforms.
type release struct {
	dir      string
	version  string // "": git's description
	images   []string
	binaries []string
}

// do does what the arguments say, and prints the digest of the image, or of the
// chart that was pushed.
func (r release) do(ctx context.Context, args []string) error {
	var digest v1.Hash
	var err error
	switch {
	case len(args) == 1 && (args[0] == "image" || args[0] == "chart" || args[0] == "all"):
		return r.build(ctx, args[0])
	case len(args) == 2 && args[0] == "push":
		digest, err = push(ctx, filepath.Join(r.dir, "image"), args[1])
	case len(args) == 2 && args[0] == "push-chart":
		var s source
		if s, err = readSource(ctx, r.version); err == nil {
			digest, err = pushChart(ctx, s, r.dir, args[1])
		}
	default:
		flag.Usage()
		return fmt.Errorf("%q: say image, chart, all, push REFERENCE or push-chart REPOSITORY", strings.Join(args, " "))
	}
	if err != nil {
		return err
	}
	fmt.Println(digest)
	return nil
}

// build builds the image, the chart or all.
func (r release) build(ctx context.Context, what string) error {
	b, err := newBuilder(ctx, r)
	if err != nil {
		return err
	}
	defer b.close()
	switch what {
	case "chart":
		return b.writeChart()
	case "all":
		if err := b.archives(ctx, r.binaries); err != nil {
			return err
		}
	}
	digest, err := b.image(ctx, r.images)
	if err != nil {
		return err
	}
	fmt.Println(digest)
	return nil
}
