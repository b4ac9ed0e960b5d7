package spec_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/spec"
)

func TestParseBranch(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "main": "main", "refs/heads/main": "main", "refs/heads/team/x": "team/x", "team/x": "team/x", "upstream/x": "upstream/x", "a-b_c.d": "a-b_c.d",
		"refs/heads/origin/x": "origin/x", "refs/heads/heads/x": "heads/x", "größe": "größe", "+main": "+main", "a/-b": "a/-b", "headset/x": "headset/x",
		"heads": "heads", "origin": "origin", "tags": "tags", "refs/heads/origin": "origin",

		"refs/for/main": "is a ref, and no branch: HERE", "refs/tags/x": "is a ref", "refs/pull/1/head": "is a ref", "refs/heads": "is a ref", "refs": "is a ref",
		"refs/heads/refs/for/x": "is a ref", "refs/heads/refs/heads/x": "write x", "refs/heads/": "can't be",
		"heads/x": "write that, or refs/heads/heads/x", "origin/bot": "may mean bot", "remotes/origin/x": "may mean x:", "heads/": "can't be", "tags/v1": "may mean",
		"HEAD": "is no branch", "@": "is no branch", "refs/heads/HEAD": "is no branch", "-x": "can't be",
		" main": "can't be", "main ": "can't be", "a b": "can't be", "a\nb": "can't be", "main:x": "can't be", "a..b": "can't be", "a~1": "can't be", "a^{}": "can't be",
		"a/": "can't be", "/a": "can't be", "a//b": "can't be", ".a": "can't be", "a/.b": "can't be", "a.": "can't be", "a.lock": "can't be", "a.lock/b": "can't be",
		"a@{1}": "can't be", "a*": "can't be", "a?": "can't be", "a[": "can't be", `a\b`: "can't be", "a\x7f": "can't be",
	} {
		got, err := spec.ParseBranch(text, ": HERE")
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if err == nil && got != "" && exec.Command("git", "check-ref-format", "refs/heads/"+got).Run() != nil {
			t.Errorf("git refuses %q", got)
		}
	}
}
