package git

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// spool has the bytes that were written to it: in memory up to a limit, beyond
// that all of them in a file of the temporary directory. The file has no name,
// and is gone when nothing refers to the spool any more. It is safe for
// concurrent use.
type spool struct {
	limit int64 // of the bytes in memory

	mu     sync.RWMutex
	memory []byte
	file   *os.File // nil: all is in memory
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil && s.size+int64(len(p)) > s.limit {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	if s.file == nil {
		s.memory = append(s.memory, p...)
	} else if _, err := s.file.WriteAt(p, s.size); err != nil {
		return 0, spoolError(err)
	}
	s.size += int64(len(p))
	return len(p), nil
}

// spill moves the bytes in memory to a file.
func (s *spool) spill() error {
	f, err := os.CreateTemp("", "pinsetter-*")
	if err != nil {
		return spoolError(err)
	}
	_ = os.Remove(f.Name()) // a system that can't keeps it until it cleans up
	if _, err := f.WriteAt(s.memory, 0); err != nil {
		_ = f.Close()
		return spoolError(err)
	}
	s.file, s.memory = f, nil
	return nil
}

func spoolError(err error) error {
	return fmt.Errorf("write what is too large for memory (TMPDIR names the directory): %w", err)
}

// ReadAt implements io.ReaderAt.
func (s *spool) ReadAt(p []byte, at int64) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.file != nil {
		return s.file.ReadAt(p, at)
	}
	if at < 0 || at >= int64(len(s.memory)) {
		return 0, io.EOF
	}
	n := copy(p, s.memory[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// close frees the bytes before the garbage collector does.
func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_ = s.file.Close()
	}
	s.file, s.memory = nil, nil
}
