//go:build unix

package folder_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pinsetter/pinsetter/folder"
)

// TestSpecialFilesAreNotRead holds a walk to not waiting for a pipe's writer.
func TestSpecialFilesAreNotRead(t *testing.T) {
	f, dir := open(t, map[string]string{"a.yaml": "a"})
	pipe := filepath.Join(dir, "pipe.yaml")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := contents(t, f, folder.Options{})
	if diff := cmp.Diff([]string{"a.yaml=a"}, got); err != nil || diff != "" {
		t.Errorf("%v, files (-want +got):\n%s", err, diff)
	}
	if data, err := f.Read("pipe.yaml"); err == nil {
		t.Errorf("read %q from a pipe", data)
	}
}
