package adopting

import (
	"errors"
	"io"
	"path"

	"github.com/pinsetter/pinsetter/adopt"
	"github.com/pinsetter/pinsetter/cmd/pinsetter/cli"
	"github.com/pinsetter/pinsetter/folder"
	"github.com/pinsetter/pinsetter/plan"
)

// writeEdits writes files below a directory. A file that somebody changed
// meanwhile stays, and is an error; the others are written.
func writeEdits(dir string, edits []adopt.Edit) error {
	f, err := folder.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	var errs []error
	for _, e := range edits {
		if e.Old == nil {
			errs = append(errs, f.Create(e.Path, e.New))
		} else {
			errs = append(errs, f.Replace(e.Path, e.Old, e.New))
		}
	}
	return errors.Join(errs...)
}

// printEdits prints a unified diff: coloured and safe for a terminal, or byte for
// byte for git apply. Folder is that of the edits in the repository.
func printEdits(w io.Writer, p cli.Painter, folder string, edits []adopt.Edit) error {
	for _, e := range edits {
		patch := plan.Patch(path.Join(folder, e.Path), e.Old, e.New)
		if cli.IsTerminal(w) {
			patch = cli.PaintDiff(p, patch)
		}
		if _, err := io.WriteString(w, patch); err != nil {
			return err
		}
	}
	return nil
}
