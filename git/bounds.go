package git

import (
	"errors"
	"fmt"
	"io"
)

// Bounds limit the cost of a repository. Zero fields have the defaults. An
// error over a bound names it.
type Bounds struct {
	RefBytes      int64 // of the server's list of refs; default 64 MiB, some 800,000 refs
	PackBytes     int64 // received in one pack; default 1 GiB
	UnpackedBytes int64 // of one pack when unpacked; default 4 GiB
	Objects       int64 // in one pack; default 500,000
	FileBytes     int64 // of a file that is read; default 16 MiB. Larger ones may be there
	TreeBytes     int64 // of a directory itself; default 16 MiB, some 400,000 entries. Larger ones may be there
	CommitBytes   int64 // of a commit or a tag; default 1 MiB
	HeldBytes     int64 // of all commits, tags and directories; default 48 MiB, those of some 1.2 million files
	PathBytes     int64 // of the paths that one call of Files yields; default 32 MiB, those of some 400,000
	Depth         int   // of directories; default 128
	Entries       int64 // files and directories walked in one call of Files; default 4 million

	// Shared bounds the entries that are walked in one folder of the directory
	// that Files is called for: that many, and four times the different ones.
	// Default 1 million.
	Shared int64
}

// WithDefaults returns the bounds with the defaults in place of zeros.
func (b Bounds) WithDefaults() Bounds {
	return Bounds{
		RefBytes:      orDefault(b.RefBytes, 64<<20),
		PackBytes:     orDefault(b.PackBytes, 1<<30),
		UnpackedBytes: orDefault(b.UnpackedBytes, 4<<30),
		Objects:       orDefault(b.Objects, 500_000),
		FileBytes:     orDefault(b.FileBytes, 16<<20),
		TreeBytes:     orDefault(b.TreeBytes, 16<<20),
		CommitBytes:   orDefault(b.CommitBytes, 1<<20),
		HeldBytes:     orDefault(b.HeldBytes, 48<<20),
		PathBytes:     orDefault(b.PathBytes, 32<<20),
		Depth:         orDefault(b.Depth, 128),
		Entries:       orDefault(b.Entries, 4_000_000),
		Shared:        orDefault(b.Shared, 1_000_000),
	}
}

// of returns the bound on the bytes of an object of a kind.
func (b Bounds) of(kind Kind) int64 {
	switch {
	case kind == Tree:
		return b.TreeBytes
	case kind.single():
		return b.CommitBytes
	}
	return b.FileBytes
}

func orDefault[N int | int64](n, fallback N) N {
	if n > 0 {
		return n
	}
	return fallback
}

// ErrBound says that the repository is over one of the Bounds. The message names it.
var ErrBound = errors.New("over the bound")

// Early makes the end of a stream an error: io.ErrUnexpectedEOF.
func Early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// OverBound returns the error for a bound, which wraps ErrBound. What names the
// things that the bound counts.
func OverBound(what string, limit int64) error {
	return fmt.Errorf("%w of %d %s", ErrBound, limit, what)
}

// LimitReader returns a reader that fails with OverBound if r has more than
// limit bytes.
func LimitReader(r io.Reader, limit int64, what string) *LimitedReader {
	return &LimitedReader{r: r, left: limit, over: OverBound(what, limit)}
}

// LimitedReader fails with over instead of reading more than left bytes.
type LimitedReader struct {
	r    io.Reader
	left int64
	over error
}

// Allow lets so many bytes be read from here on.
func (l *LimitedReader) Allow(limit int64) { l.left = limit }

// Read implements io.Reader.
func (l *LimitedReader) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, l.over
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, l.over
	}
	return n, err
}
