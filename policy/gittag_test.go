package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestLatestGitTags(t *testing.T) {
	for _, test := range []struct{ text, tags, want string }{
		{"*", "1.0.0 1.2.3_4", "1.0.0"},
		{"*", "1.0.0 1.2.3+4", "1.2.3+4"},
		{"*", "v0.1.0+build-9 v0.1.0+build-10 0.1.0 v0.0.9", "v0.1.0+build-9 v0.1.0+build-10 0.1.0"},
		{"*", "v1.0.0 1.0.0 1.1.0-rc.1 latest 2.0", "v1.0.0 1.0.0"},
		{">=1.0.0-0", "v1.0.0 1.1.0-rc.1", "1.1.0-rc.1"},
		{"0.0.0", "0.0.0 v0.0.0", "0.0.0 v0.0.0"},
		{"2.x", "1.0.0", ""},
	} {
		if got, err := LatestGitTags(test.text, strings.Fields(test.tags)); err != nil || !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s of %s: %q, %v", test.text, test.tags, got, err)
		}
	}
	if got, err := LatestGitTags("nonsense", []string{"1.0.0"}); err == nil || !strings.Contains(err.Error(), `parse range "nonsense"`) {
		t.Errorf("no range: %q, %v", got, err)
	}
}
