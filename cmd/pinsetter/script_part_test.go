package main

import (
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// scriptT lets parts belong to a script: they end with it.
type scriptT struct {
	env   *testscript.Env
	fatal func(format string, args ...any)
}

func (scriptT) Helper()            {}
func (t scriptT) Cleanup(f func()) { t.env.Defer(f) }
func (t scriptT) TempDir() string {
	dir, err := os.MkdirTemp(t.env.WorkDir, "part")
	if err != nil {
		t.fatal("%v", err)
	}
	return dir
}
func (t scriptT) Logf(format string, args ...any)   { t.env.T().Log(sprintf(format, args...)) }
func (t scriptT) Skipf(format string, args ...any)  { t.env.T().Skip(sprintf(format, args...)) }
func (t scriptT) Fatalf(format string, args ...any) { t.fatal(format, args...) }
