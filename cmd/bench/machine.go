package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine says where and when a run begins. What a system doesn't tell is left
// out; the processor's name comes from go test.
func machine(ctx context.Context) about {
	a := about{
		"date":   time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		"load":   load(),
		"commit": said(ctx, "git", "describe", "--always", "--dirty"),
		"cores":  strconv.Itoa(runtime.NumCPU()),
		"kernel": said(ctx, "uname", "-srm"),
		"go":     runtime.Version(),
		"git":    strings.TrimPrefix(said(ctx, "git", "--version"), "git version "),
	}
	if memory, err := os.ReadFile("/proc/meminfo"); err == nil {
		_, after, _ := strings.Cut(string(memory), "MemTotal:")
		if kilobytes, err := strconv.Atoi(first(after)); err == nil {
			a["memory"] = strconv.Itoa(kilobytes>>10) + " MB"
		}
	}
	return a
}

// load returns the load of the last minute, and "unknown" where a system doesn't
// tell it as Linux does.
func load() string {
	averages, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return first(string(averages))
}

// said returns what a program prints, and nothing where it fails.
func said(ctx context.Context, name string, args ...string) string {
	out, _ := exec.CommandContext(ctx, name, args...).Output()
	return strings.TrimSpace(string(out))
}

// first returns the first word of a text.
func first(text string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return word
}
