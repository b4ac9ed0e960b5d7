package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// What stands for keys where none is used.
const (
	sshKey = "-----BEGIN OPENSSH PRIVATE KEY-----\naHVudGVyMg==\n-----END OPENSSH PRIVATE KEY-----\n"
	gpgKey = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nhunter2\n-----END PGP PRIVATE KEY BLOCK-----\n"
)

// rsaKey returns a private key in PEM.
var rsaKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
})

// withKeys puts keys where objects have their place.
func withKeys(text string) string {
	return strings.NewReplacer("githubAppPrivateKey: PEM", "githubAppPrivateKey: "+strconv.Quote(rsaKey()),
		"identity: KEY", "identity: "+strconv.Quote(sshKey), "git.asc: KEY", "git.asc: "+strconv.Quote(gpgKey)).Replace(text)
}

// TestRubbishKeys: a key that can't be one is found when loading. The finding names
// the Secret and the key, never what it holds.
func TestRubbishKeys(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return strconv.Quote(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	short, _ := pem.Decode([]byte(rsaKey()))
	const key, ssh, app, gpg = "Secret default/s (in.yaml:", "ssh", "app", "gpg"
	for _, test := range []struct{ use, value, want string }{
		{ssh, "KEY", ""},
		{ssh, block("PRIVATE KEY", der), ""},
		{ssh, "abc", "has no private key under identity"},
		{ssh, block("OPENSSH PRIVATE KEY", nil), "has no private key under identity"},
		{ssh, block("CERTIFICATE", der), "has no private key under identity"},
		{ssh, block("ENCRYPTED PRIVATE KEY", der), "has no private key under identity"},
		{ssh, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 hunter2", "has a public key under identity"},
		{ssh, `"-----BEGIN OPENSSH PRIVATE KEY----- aHVudGVyMg== -----END OPENSSH PRIVATE KEY-----"`, "has no private key under identity"},
		{app, "PEM", ""},
		{app, "abc", "has no RSA private key in PEM under githubAppPrivateKey"},
		{app, block("RSA PRIVATE KEY", short.Bytes[:600]), "has no RSA private key in PEM"},
		{app, block("PRIVATE KEY", der), "has no RSA private key in PEM"},
		{gpg, "KEY", ""},
		{gpg, "abc", "has no armored OpenPGP key under git.asc"},
		{gpg, `"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nhunter2\n-----END PGP PUBLIC KEY BLOCK-----"`, "has a public key under git.asc"},
		{"signing", "KEY", ""},
		{"signing", "abc", "has no private key under identity"},
	} {
		git, sign := "url: https://example.com/x", ""
		var data string
		switch test.use {
		case ssh:
			git, data = "url: ssh://git@example.com/x, secretRef: {name: s}", "known_hosts: h, identity: "
		case app:
			git, data = git+", provider: github, secretRef: {name: s}", "githubAppID: '1', githubAppInstallationID: '2', githubAppPrivateKey: "
		case gpg:
			sign, data = ", signingKey: {secretRef: {name: s}}", "git.asc: "
		default:
			sign, data = ", signingKey: {type: ssh, secretRef: {name: s}}", "identity: "
		}
		set := loadText(t, object("ImageUpdateAutomation", "a", "spec: {interval: 5m, sourceRef: {name: g}, git: {commit: {author: {email: a@b.c}"+sign+"}}}")+
			object("GitRepository", "g", "spec: {"+git+"}")+"---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {"+data+test.value+"}\n")
		var said strings.Builder
		for _, f := range set.Findings {
			said.WriteString(f.String() + "\n")
		}
		got := said.String()
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) || test.want != "" && !strings.Contains(got, key) || strings.Contains(got, "hunter2") || strings.Contains(got, "abc") {
			t.Errorf("%s %s: got %s\nwant %s", test.use, test.value, got, test.want)
		}
		if broken := set.Automations[0].Err != nil; broken != (test.want != "") {
			t.Errorf("%s %s: Err %v", test.use, test.value, set.Automations[0].Err)
		}
	}
}

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
