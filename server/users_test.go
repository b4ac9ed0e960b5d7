package server

import (
	"strings"
	"testing"

	"github.com/pinsetter/pinsetter/parts/budget"
)

func TestParseUsersSaysWhichLine(t *testing.T) {
	const good = "ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n"
	for text, want := range map[string]string{
		"":                                       "names nobody",
		"# nobody\n\n":                           "names nobody",
		good + "bob\n":                           "line 2 is not name:hash",
		good + ":hash\n":                         "line 2 is not name:hash",
		"\nbob:secret\n":                         `line 2: the password of "bob" is not hashed by bcrypt`,
		"bob:$apr1$r31.....$HqJZimcK":            "htpasswd -B",
		good + "\n" + good:                       `line 3: "ada" is there twice`,
		strings.Replace(good, "$05$", "$15$", 1): "cost 15",
	} {
		_, err := parseUsers([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "$")) {
			t.Errorf("%q: the error shows the hash: %v", text, err)
		}
	}
}

func FuzzParseUsers(f *testing.F) {
	f.Add([]byte("ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n# x\n"))
	f.Add([]byte("a:b:c\n\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		budget.Affords(t, len(data), func() {
			users, err := parseUsers(data)
			if err != nil {
				return
			}
			if len(users.hashes) == 0 || users.decoy == nil {
				t.Fatalf("%q: nobody, and no error", data)
			}
			for name, hash := range users.hashes {
				if name == "" || strings.ContainsAny(name, ":\n") || len(hash) < 59 {
					t.Errorf("%q: %q has %q", data, name, hash)
				}
			}
		})
	})
}

func TestAStrangerWaitsAsLongAsAUser(t *testing.T) {
	users, err := parseUsers([]byte("a:$2y$04$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n" +
		"b:$2y$06$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n"))
	if err != nil || string(users.decoy) != string(users.hashes["b"]) {
		t.Errorf("the decoy is not the most costly hash: %q, %v", users.decoy, err)
	}
}
