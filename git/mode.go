package git

import "fmt"

// Executable reports whether a regular file of the snapshot is executable: its
// mode is 100755 then, else 100644. A name that is no regular file is an error
// that wraps ErrNoPath.
func (s *Snapshot) Executable(name string) (bool, error) {
	found, err := s.find(inside(name))
	if err == nil && !found.regular() {
		err = ErrNoPath
	}
	if err != nil {
		return false, fmt.Errorf("read the mode of %q of %s: %w", name, s, err)
	}
	return found.mode == modeExec, nil
}
