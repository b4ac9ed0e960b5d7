package config_test

import (
	"strings"
	"testing"
)

// TestSecretsThatKubernetesRefuses: what the API refuses or passes over isn't read,
// and no message shows a value.
func TestSecretsThatKubernetesRefuses(t *testing.T) {
	for _, test := range []struct{ name, fields, want string }{
		{"base64", "data: {username: bWU=, password: aHVudGVyMg==}", ""},
		{"base64 on two lines", "data:\n  username: bWU=\n  password: |\n    aHVudG\n    VyMg==", ""},
		{"base64 with CRLF", "data: {username: bWU=, password: \"aHVudG\\r\\nVyMg==\\r\\n\"}", ""},
		{"base64, folded", "data:\n  username: bWU=\n  password: >-\n    aHVudG\n    VyMg==", "has a blank in the base64 under data.password"},
		{"base64 with a blank", "data: {username: bWU=, password: 'aHVudG VyMg=='}", "has a blank in the base64 under data.password"},
		{"base64 with a blank at the end", "data: {username: bWU=, password: 'aHVudGVyMg== '}", "has a blank in the base64 under data.password"},
		{"base64 with a tab", "data: {username: bWU=, password: \"aHVudG\\tVyMg==\"}", "has a blank in the base64 under data.password"},
		{"base64 that is none", "data: {username: bWU=, password: 'hunter2!'}", "has no base64 under data.password"},
		{"text with a blank", "stringData: {username: me, password: 'hunter2 hunter2'}", ""},
		{"key with a blank", "stringData: {username: me, password: hunter2, 'pass word': hunter2}", `has a key "pass word", which Kubernetes refuses`},
		{"key with a blank at the end", "data: {'username ': bWU=, password: aHVudGVyMg==}", `has a key "username ", which Kubernetes refuses`},
		{"empty key", "stringData: {username: me, password: hunter2, '': hunter2}", `has a key ""`},
		{"other keys", "stringData: {username: me, password: hunter2, .a-b_C.9: hunter2}", ""},
		{"stringdata", "stringdata: {username: me, password: hunter2}", "Secret default/s (in.yaml:14) has a field stringdata in line 17, which Kubernetes passes over: write stringData"},
		{"Data", "Data: {username: bWU=, password: aHVudGVyMg==}", "has a field Data in line 17, which Kubernetes passes over: write data"},
		{"dta", "type: Opaque\ndta: {username: bWU=}", "has a field dta in line 18"},
		{"other fields", "stringData: {username: me, password: hunter2}\nimmutable: true\nstatus: {}\nx-owner: me\nsops-note: x", ""},
	} {
		set := loadText(t, object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}}}}")+
			object("GitRepository", "g", "spec:\n  url: https://example.com/x\n  secretRef: {name: s}")+
			"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"+test.fields+"\n")
		var said strings.Builder
		for _, f := range set.Findings {
			said.WriteString(f.String() + "\n")
		}
		if (said.Len() == 0) != (test.want == "") || !strings.Contains(said.String(), test.want) || strings.Contains(said.String(), "hunter2") {
			t.Errorf("%s: got %s\nwant %s", test.name, &said, test.want)
		}
		if auth := set.Automations[0].Git.Auth; test.want == "" && (auth.Username != "me" || !strings.HasPrefix(auth.Password.Reveal(), "hunter2")) {
			t.Errorf("%s: logs in as %+v", test.name, auth)
		}
	}
}
