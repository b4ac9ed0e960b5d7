package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

const (
	modeFile       = 0o644
	modeExecutable = 0o755

	// modeStage is what Flux's packages give the root of a single file: they put it
	// into a folder of os.MkdirTemp.
	modeStage = 0o700
)

// ErrChart says that a folder is a chart.
var ErrChart = errors.New("it has a Chart.yaml: push charts with `helm push`, which gives them the media types that Flux and helm look for")

// packer writes a folder or a file as a tar.
type packer struct {
	out    *tar.Writer
	buffer []byte
	files  int
	left   []string // links and special files, which aren't packed
}

// pack writes the tar of what a path leads to, compressed by gzip.
func (p *packer) pack(ctx context.Context, from string, ignore []string, to io.Writer) error {
	compressed := gzip.NewWriter(to)
	p.out, p.buffer = tar.NewWriter(compressed), make([]byte, 256<<10)
	info, err := os.Stat(from)
	if err == nil && info.IsDir() {
		err = p.folder(ctx, from, ignore)
	} else if err == nil {
		err = p.single(from)
	}
	if err != nil {
		return err
	}
	if err := p.out.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// single packs one file, in a folder.
func (p *packer) single(from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	if err := p.header(".", fs.ModeDir, modeStage, 0); err != nil {
		_ = file.Close()
		return err
	}
	return p.file(file, filepath.Base(from))
}

// folder packs the files below a folder, in the order of their names.
func (p *packer) folder(ctx context.Context, from string, ignore []string) error {
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Lstat("Chart.yaml"); err == nil {
		return ErrChart
	}
	ignored, prunes := ignorer(ignore)
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch isDir := entry != nil && entry.IsDir(); {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case name != "." && ignored(name, isDir):
			if isDir && prunes {
				return fs.SkipDir
			}
			return nil
		case isDir:
			return p.header(name, fs.ModeDir, modeExecutable, 0)
		case !entry.Type().IsRegular():
			p.left = append(p.left, name)
			return nil
		}
		file, err := root.Open(name)
		if err != nil {
			return err
		}
		return p.file(file, name)
	})
	if err == nil && p.files == 0 {
		err = fmt.Errorf("%s has no file that isn't left out: an artifact without any would delete what is deployed from it", from)
	}
	return err
}

// file packs an open file, and closes it.
func (p *packer) file(file *os.File, name string) error {
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", name)
	}
	mode := int64(modeFile)
	if info.Mode()&0o111 != 0 {
		mode = modeExecutable
	}
	if err := p.header(name, 0, mode, info.Size()); err != nil {
		return err
	}
	p.files++
	// One byte more than it had shows that it grew.
	n, err := io.CopyBuffer(onlyWriter{p.out}, io.LimitReader(file, info.Size()+1), p.buffer)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && n < info.Size() {
		return fmt.Errorf("%s changed while it was read: try again", name)
	}
	return err
}

// onlyWriter hides ReadFrom, for the sake of the buffer.
type onlyWriter struct{ io.Writer }

// header begins an entry. Its fields are those that Flux's packages leave
// (fluxcd/pkg, tar/tar.go): folders have no slash at their end.
func (p *packer) header(name string, kind fs.FileMode, mode, size int64) error {
	flag := byte(tar.TypeReg)
	if kind.IsDir() {
		flag = tar.TypeDir
	}
	return p.out.WriteHeader(&tar.Header{Typeflag: flag, Name: path.Clean(name), Mode: mode, Size: size})
}

// packBytes writes the tar of one file of which only the bytes are there.
func (p *packer) packBytes(name string, data []byte, to io.Writer) error {
	compressed := gzip.NewWriter(to)
	p.out = tar.NewWriter(compressed)
	if err := p.header(".", fs.ModeDir, modeStage, 0); err != nil {
		return err
	}
	if err := p.header(name, 0, modeFile, int64(len(data))); err != nil {
		return err
	}
	if _, err := io.Copy(p.out, bytes.NewReader(data)); err != nil {
		return err
	}
	p.files++
	return errors.Join(p.out.Close(), compressed.Close())
}
