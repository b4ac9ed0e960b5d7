package gate_test

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/gate"
)

func image(ref string) pinsetter.Image {
	tag, digest, _ := strings.Cut(ref, "@")
	return pinsetter.Image{Tag: tag, Digest: digest}
}

// marked is a site with these parts alone.
func marked(s pinsetter.Site, parts ...pinsetter.Part) pinsetter.Site {
	s.Markers = nil
	for i, part := range parts {
		s.Markers = append(s.Markers, pinsetter.Marker{Line: i + 1, Part: part})
	}
	return s
}

// TestRevert: candidates are 7, 6, 5 and 4.
func TestRevert(t *testing.T) {
	tests := []struct {
		name    string
		written []string
		shown   string // ours
		max     int    // the policy's range
		takes   string
		hold    string
	}{
		{"nothing known", []string{"4"}, "", 9, "7", ""},
		{"as we wrote it", []string{"6"}, "6", 9, "7", ""},
		{"taken back, and a newer one is there", []string{"4"}, "6", 9, "7", ""},
		{"taken back", []string{"4"}, "7", 9, "4", "7 was written here and somebody changed it to 4, which stays until a tag above 7 passes: to go on, write 7 by hand, or exclude 7 "},
		{"taken back to what isn't listed", []string{"3"}, "7", 9, "", "7 was written here and somebody changed it to 3"},
		{"a hotfix of no order", []string{"hotfix"}, "7", 9, "", "7 was written here and somebody changed it to hotfix"},
		{"a hotfix above", []string{"8"}, "7", 9, "", "7 was written here and somebody changed it to 8"},
		{"emptied", []string{""}, "7", 9, "", "7 was written here and somebody changed it to nothing"},
		{"one of two markers changed", []string{"7", "4"}, "7", 9, "", "7 was written here and somebody changed it to 7, 4"},
		{"taken back from a tag that is gone", []string{"4"}, "8", 9, "4", "8 was written here and somebody changed it to 4"},
		{"taken back and excluded", []string{"4"}, "8", 7, "7", ""},
		{"taken back by hand to the best", []string{"7"}, "8", 9, "7", ""},
		{"a digest removed", []string{"7"}, "7@" + digest("a"), 9, "7", ""}, // the rest is Confirm's
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := subject(nil, "7", "6", "5", "4")
			s.Order = numbers{max: test.max}
			got := gates{}.Walk(s).Choose(t.Context(), site(test.written...), image(test.shown))
			if got.Candidate.Tag != test.takes {
				t.Errorf("takes %q, want %q", got.Candidate.Tag, test.takes)
			}
			checkHold(t, got.Hold, "7", test.hold)
		})
	}
}

// TestConfirmReverts: what a person did to digests and names stays too.
func TestConfirmReverts(t *testing.T) {
	a, b, c := digest("a"), digest("b"), digest("c")
	digests := func(s pinsetter.Site) pinsetter.Site { return marked(s, pinsetter.PartDigest) }
	tags := func(s pinsetter.Site) pinsetter.Site { return marked(s, pinsetter.PartTag) }
	named := func(name string, s pinsetter.Site) pinsetter.Site {
		s.Written[0].Name = name
		return s
	}
	tests := []struct {
		name  string
		site  pinsetter.Site
		shown pinsetter.Image
		image pinsetter.Image
		held  bool
	}{
		{"nothing changes", site("7@" + b), image("7@" + a), image("7@" + b), false},
		{"the digest taken back is offered again", site("7@" + b), image("7@" + a), image("7@" + a), true},
		{"a third digest is offered", site("7@" + b), image("7@" + a), image("7@" + c), false},
		{"a digest added by hand is taken off", site("7@" + b), image("7"), image("7"), true},
		{"a digest removed by hand", site("7"), image("7@" + a), image("7@" + a), true},
		{"a tag that was taken back, moved", site("4"), image("7@" + a), image("7@" + b), true},
		{"a higher tag", site("4"), image("6@" + a), image("7@" + b), false},
		{"digest alone, taken back", digests(site("@" + b)), image("7@" + a), image("7@" + a), true},
		{"digest alone, newer", digests(site("@" + b)), image("7@" + a), image("7@" + c), false},
		{"digest alone, as we wrote it", digests(site("@" + a)), image("7@" + a), image("7@" + c), false},
		{"tag alone, known with a digest", tags(site("6")), image("6@" + a), image("7@" + c), false},
		{"a mirror by hand", named("mirror/app", site("7")), pinsetter.Image{Name: "app", Tag: "7"}, pinsetter.Image{Name: "app", Tag: "7"}, true},
		{"the repository's name changed", named("app", site("7")), pinsetter.Image{Name: "app", Tag: "7"}, pinsetter.Image{Name: "new/app", Tag: "7"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := gates{}.Walk(subject(nil, "7", "6", "5", "4"))
			hold := w.Confirm(t.Context(), test.site, test.shown, test.image, pinsetter.Candidate{Tag: test.image.Tag})
			if (hold != nil) != test.held {
				t.Errorf("hold %+v", hold)
			}
			if hold != nil && !strings.Contains(hold.Reason, ": to ") {
				t.Errorf("reason %q has no way out", hold.Reason)
			}
		})
	}
}

func TestShows(t *testing.T) {
	ref := func(name, tag, digest string) pinsetter.Image {
		return pinsetter.Image{Name: name, Tag: tag, Digest: digest}
	}
	tests := []struct {
		name    string
		written []pinsetter.Image
		want    pinsetter.Image
		agreed  bool
	}{
		{"nothing", nil, pinsetter.Image{}, true},
		{"a reference and a tag", []pinsetter.Image{ref("app", "1", "a"), ref("", "1", "")}, ref("app", "1", "a"), true},
		{"a tag and a reference", []pinsetter.Image{ref("", "1", ""), ref("app", "1", "a")}, ref("app", "1", "a"), true},
		{"two tags", []pinsetter.Image{ref("app", "1", ""), ref("", "2", "")}, pinsetter.Image{}, false},
		{"two names", []pinsetter.Image{ref("app", "1", ""), ref("mirror/app", "1", "")}, pinsetter.Image{}, false},
		{"a reference without the other's digest", []pinsetter.Image{ref("app", "1", "a"), ref("app", "1", "")}, pinsetter.Image{}, false},
	}
	for _, test := range tests {
		if got, agreed := gate.Shows(pinsetter.Site{Written: test.written}); got != test.want || agreed != test.agreed {
			t.Errorf("%s: %+v, %v", test.name, got, agreed)
		}
	}
}
