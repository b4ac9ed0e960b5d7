package parts

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunStopsWhatItStarted(t *testing.T) {
	var url string
	err := Run(func(t T) {
		url = NewRegistry(t, RegistryOptions{}).URL
		response, err := http.Get(url + "/v2/")
		if err != nil {
			t.Fatalf("%v", err)
		}
		_ = response.Body.Close()
		t.Fatalf("enough")
	})
	if err == nil || err.Error() != "enough" {
		t.Errorf("%v", err)
	}
	if response, err := http.Get(url + "/v2/"); err == nil {
		_ = response.Body.Close()
		t.Error("the registry still answers")
	}
}

func TestNeedFailsWhereAPartIsRequired(t *testing.T) {
	t.Setenv("PINSETTER_REQUIRE_PARTS", "1")
	err := Run(func(t T) { Need(t, "no-such-program") })
	if err == nil || !strings.Contains(err.Error(), "PINSETTER_REQUIRE_PARTS=1") {
		t.Errorf("%v", err)
	}
}

func TestSkippedTestsAreListed(t *testing.T) {
	list := filepath.Join(t.TempDir(), "skipped")
	t.Setenv("PINSETTER_SKIPPED", list)
	t.Setenv("PINSETTER_REQUIRE_PARTS", "")
	for range 2 {
		_ = Run(func(t T) { Need(t, "no-such-program") }) // it is skipped
	}
	want := strings.Repeat("no-such-program is missing: install it so that it is in PATH\n", 2)
	if got, err := os.ReadFile(list); string(got) != want || err != nil {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestNeedFindsWhatMakePartsBuilt(t *testing.T) {
	t.Setenv("PINSETTER_CACHE", t.TempDir())
	want := filepath.Join(Cache(), "bin", "some-part")
	if err := os.MkdirAll(filepath.Dir(want), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := Need(t, "some-part"); got != want {
		t.Errorf("%q", got)
	}
}
