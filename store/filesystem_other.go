//go:build !linux

package store

// filesystemOf returns an unknown file system: on this platform each may be a
// network's.
func filesystemOf(string) filesystem { return filesystem{} }
