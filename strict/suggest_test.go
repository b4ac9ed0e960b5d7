package strict

import "testing"

func TestSuggest(t *testing.T) {
	fields := []string{"range", "interval", "imageRepositoryRef"}
	tests := map[string]string{"rnage": "range", "Range": "range", "intervall": "interval", "imageRepoRef": "", "imageRepositoriRef": "imageRepositoryRef", "x": ""}
	for word, want := range tests {
		if got := Suggest(word, fields); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}
