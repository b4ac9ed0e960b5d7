package migrate

import "github.com/pinsetter/pinsetter/spec"

// GlobPattern is globPattern.
func GlobPattern(glob string) string { return globPattern(glob) }

// Windows translates one schedule.
func Windows(text string) ([]spec.GateWindow, error) { return windowsOf([]string{text}, "") }
