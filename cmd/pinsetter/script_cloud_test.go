package main

import (
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pinsetter/pinsetter/parts"
)

// cloudCommands start stand-ins of clouds, which the program reaches through a
// proxy.
//
//	ecr HOST API REGION IMAGE TAG...  a registry of AWS, and keys of an identity that may read it
//	oidc HOST ACCOUNT IMAGE TAG...    a registry that takes tokens of an account, and one in the file token
var cloudCommands = map[string]func(*testscript.TestScript, bool, []string){
	"ecr":  ecr,
	"oidc": oidc,
}

// clouds starts hosts that the program trusts.
func clouds(ts *testscript.TestScript) *parts.Clouds {
	c := parts.NewClouds(of(ts).t)
	ts.Setenv("SSL_CERT_FILE", c.File)
	ts.Setenv("HTTPS_PROXY", c.URL)
	return c
}

func oidc(ts *testscript.TestScript, _ bool, a []string) {
	issuer := parts.NewWorkloads(of(ts).t)
	r := parts.NewRegistry(of(ts).t, parts.RegistryOptions{})
	r.Push(a[2], a[3:]...)
	clouds(ts).Serve(a[0], issuer.Guard(a[0], a[1], r))
	ts.Check(os.WriteFile(ts.MkAbs("token"), []byte(issuer.Token(a[1], a[0], time.Hour)), 0o600))
}

func ecr(ts *testscript.TestScript, _ bool, a []string) {
	aws := parts.NewAWS(of(ts).t, clouds(ts))
	aws.NewRegistry(a[0], a[1], a[2], false).Push(a[3], a[4:]...)
	k := aws.NewKeys("arn:aws:iam::123456789012:user/ci")
	ts.Setenv("AWS_ACCESS_KEY_ID", k.ID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", k.Secret)
	ts.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}
