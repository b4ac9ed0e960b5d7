package parts

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// Build builds a Go program as `make build` does, from a package or a file, and
// returns the path of a binary with that name. The binary is written in pieces of
// 32 KB, as images and archives are unpacked, so that as much of it is resident as
// if it were read from a disk: Linux maps more of a file at once where it was
// written in larger pieces, up to 16 MB more of pinsetter.
func Build(t T, source, name string) string {
	t.Helper()
	dir := t.TempDir()
	built, installed := filepath.Join(dir, "built"), filepath.Join(dir, name)
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", source, err, out)
	}
	data, err := os.ReadFile(built)
	if err != nil {
		t.Fatalf("build %s: %v", source, err)
	}
	if err := write(installed, data); err != nil {
		t.Fatalf("build %s: %v", source, err)
	}
	return installed
}

// write writes a program in pieces of 32 KB.
func write(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(data, 32<<10) {
		if _, err := file.Write(piece); err != nil {
			_ = file.Close()
			return err
		}
	}
	return file.Close()
}
