package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// source is the commit to build from.
type source struct {
	version  string // "v1.2.3", or git's description
	revision string // the commit
	date     time.Time
}

// readSource asks git in the current directory. Uncommitted changes add
// "-dirty" to the version.
func readSource(ctx context.Context, version string) (source, error) {
	shown, err := output(ctx, nil, "git", "show", "-s", "--format=%H %ct", "HEAD")
	if err != nil {
		return source{}, err
	}
	s := source{version: version}
	var seconds int64
	if _, err := fmt.Sscanf(shown, "%s %d", &s.revision, &seconds); err != nil {
		return source{}, fmt.Errorf("git show printed %q: %w", shown, err)
	}
	s.date = time.Unix(seconds, 0).UTC()
	if s.version == "" {
		s.version, err = output(ctx, nil, "git", "describe", "--tags", "--always", "--dirty")
	}
	return s, err
}

// builder builds the programs and their accompanying files. It builds each
// binary and its SBOM once.
type builder struct {
	source
	dir  string // published files
	work string // temporary files
	made map[string]binary
}

// binary is the program for one platform.
type binary struct {
	data []byte
	sbom []byte // CycloneDX in JSON
}

// newBuilder empties the folder of the release.
func newBuilder(ctx context.Context, r release) (*builder, error) {
	s, err := readSource(ctx, r.version)
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(r.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "pinsetter-release-")
	return &builder{source: s, dir: r.dir, work: work, made: map[string]binary{}}, err
}

func (b *builder) close() { _ = os.RemoveAll(b.work) }

// binary builds the program for a platform: static, without paths of this
// machine, and with embedded time zones.
func (b *builder) binary(ctx context.Context, platform v1.Platform) (binary, error) {
	if made, ok := b.made[platform.String()]; ok {
		return made, nil
	}
	path := filepath.Join(b.work, "pinsetter-"+platform.OS+"-"+platform.Architecture)
	env := []string{"CGO_ENABLED=0", "GOFLAGS=", "GOOS=" + platform.OS, "GOARCH=" + platform.Architecture}
	_, err := output(ctx, env, "go", "build", "-trimpath", "-buildvcs=true", "-tags", "timetzdata",
		"-ldflags", "-s -w -buildid= -X main.release="+b.version, "-o", path, "./cmd/pinsetter")
	if err != nil {
		return binary{}, err
	}
	var made binary
	if made.data, err = os.ReadFile(path); err != nil {
		return binary{}, err
	}
	if made.sbom, err = b.sbom(ctx, path); err != nil {
		return binary{}, fmt.Errorf("SBOM of the binary for %s: %w", platform, err)
	}
	b.made[platform.String()] = made
	return made, nil
}

// output runs a program, with env added to the process's environment, and
// returns its output without the last line end.
func output(ctx context.Context, env []string, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, args[0], err, strings.TrimSpace(wrong.String()))
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
