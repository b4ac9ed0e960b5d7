package bot

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter"
)

// FuzzArtifactMemory: whatever the ledger holds of an ArtifactAutomation, no more is
// known of it than the bot writes, and each artifact is named by a digest. What was
// read is read again.
func FuzzArtifactMemory(f *testing.F) {
	sum := "sha256:" + strings.Repeat("ab", 32)
	for _, body := range []string{
		``, `null`, `[]`, `{"delivered":null}`, `{"delivered":["` + sum + `"],"base":"` + sum + `","begun":"` + sum + `"}`, `{"delivered":["../../x"]}`, `{"delivered":[""]}`,
		`{"begun":"live"}`, `{"delivered":["` + sum + `"],"quiet":{"at":7}}`, `{"delivered":[` + strings.Repeat(`"`+sum+`",`, maxDelivered) + `"` + sum + `"]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		known := readArtifactMemory(body)
		for _, m := range []artifactMemory{known, known.begins(sum), known.delivered(sum, sum, "objects")} {
			if len(m.Delivered) > maxDelivered || m.latest() != "" && !pinsetter.ValidDigest(m.latest()) {
				t.Fatalf("%+v", m)
			}
			if known.latest() != "" && !m.isOurs(known.latest()) && len(known.Delivered) < maxDelivered {
				t.Errorf("%s is forgotten", known.latest())
			}
			text, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if again := readArtifactMemory(text); again.latest() != m.latest() || again.Begun != m.Begun || again.Base != m.Base {
				t.Errorf("%+v, and then %+v", m, again)
			}
		}
	})
}
