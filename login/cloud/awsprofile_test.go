package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/pinsetter/pinsetter"
	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/parts/budget"
)

// judged returns what the SDK's own reader says of a profile. On a few files it
// panics, and then that is the error.
func judged(t testing.TB, name, configuration, keys string) (found config.SharedConfig, err error) {
	t.Helper()
	defer func() {
		if said := recover(); said != nil {
			err = fmt.Errorf("the SDK panics: %v", said)
		}
	}()
	return config.LoadSharedConfigProfile(context.Background(), name, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles, o.CredentialsFiles = []string{configuration}, []string{keys}
	})
}

// TestProfilesAreReadAsTheSDKDoes holds the reader of profiles to the SDK's.
func TestProfilesAreReadAsTheSDKDoes(t *testing.T) {
	for name, c := range map[string]struct{ config, credentials string }{
		"a comment and blanks": {"# a\n; b\n[profile  x]   # c\nrole_arn=arn:aws:iam::1:role/a ; d\nrole_session_name = s#not\n\n source_profile = y\n[profile y]\naws_access_key_id : A\naws_secret_access_key = S=1\r\n", ""},
		"nested settings":      {"[profile x]\ns3 =\n  max = 1\n  role_arn = not\nrole_arn = arn:r\ncredential_source = Environment\n", ""},
		"default, both ways":   {"[default]\naws_access_key_id = A\naws_secret_access_key = B\n[profile default]\naws_access_key_id = C\naws_secret_access_key = D\n", ""},
		"without its prefix":   {"[x]\naws_access_key_id = A\naws_secret_access_key = B\n", ""},
		"prefix in the keys":   {"", "[profile x]\naws_access_key_id = A\naws_secret_access_key = B\n"},
		"keys win":             {"[profile x]\naws_access_key_id = A\naws_secret_access_key = B\nexternal_id = e\n", "[x]\naws_access_key_id = C\naws_secret_access_key = D\naws_session_token = T\n"},
		"quotes and case":      {"[profile x]\nROLE_ARN = \"arn:r\"\nCredential_Source = 'Environment'\nexternal_id = it's\n", ""},
		"twice":                {"[profile x]\ncredential_process = a\n[profile x]\ncredential_process = b c=d\n", ""},
		"an indented section":  {"[default]\nexternal_id = a\n  [profile x]\ncredential_process = b\n", ""},
		"nothing before":       {"role_arn = a\n[profile x]\nnonsense\n= b\ncredential_process = p\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			newWorld(t)
			dir := t.TempDir()
			configuration, keys := filepath.Join(dir, "config"), filepath.Join(dir, "credentials")
			for path, text := range map[string]string{configuration: c.config, keys: c.credentials} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("AWS_CONFIG_FILE", configuration)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", keys)
			profiles, err := awsProfiles()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"x", "y", "default"} {
				want, err := judged(t, name, configuration, keys)
				if ours := profiles[name]; err == nil {
					compareProfile(t, name, ours, want)
				} else if len(ours) > 0 && errors.As(err, new(config.SharedConfigProfileNotExistError)) {
					t.Errorf("%s: %v, and the SDK says %v", name, ours, err)
				}
			}
		})
	}
}

// compareProfile compares the values that log in. The SDK forgets those beside
// a source_profile.
func compareProfile(t *testing.T, name string, ours awsProfile, want config.SharedConfig) {
	t.Helper()
	values := map[string]string{
		"role_arn": want.RoleARN, "external_id": want.ExternalID, "role_session_name": want.RoleSessionName,
		"source_profile": want.SourceProfileName, "credential_source": want.CredentialSource,
		"credential_process": want.CredentialProcess, "web_identity_token_file": want.WebIdentityTokenFile,
	}
	if want.SourceProfileName == "" {
		values["aws_access_key_id"], values["aws_secret_access_key"] = want.Credentials.AccessKeyID, want.Credentials.SecretAccessKey
		values["aws_session_token"] = want.Credentials.SessionToken
	}
	for key, value := range values {
		if ours[key] != value {
			t.Errorf("%s: %s is %q, and the SDK reads %q", name, key, ours[key], value)
		}
	}
}

// FuzzAWSProfiles: whatever stands in the files, the reader finds the keys that
// the SDK finds.
func FuzzAWSProfiles(f *testing.F) {
	f.Add("[default]\naws_access_key_id = A\naws_secret_access_key = B\n")
	f.Add("[profile default]\r\ns3=\n a = b\nrole_arn: r ;x\n[default ]\n")
	f.Add(" [a] # b\nx\n\ty=z\n[profile \"q\"]\n")
	f.Fuzz(func(t *testing.T, text string) {
		budget.Affords(t, len(text), func() {
			path := filepath.Join(t.TempDir(), "credentials")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			profiles := map[string]awsProfile{}
			mergeProfiles(profiles, parseAWS(text), false)
			want, err := judged(t, "default", filepath.Join(t.TempDir(), "none"), path)
			if err == nil && (profiles["default"]["aws_access_key_id"] != want.Credentials.AccessKeyID || profiles["default"]["aws_secret_access_key"] != want.Credentials.SecretAccessKey) {
				t.Errorf("%q: %v, and the SDK reads %q", text, profiles["default"], want.Credentials.AccessKeyID)
			}
		})
	})
}

// Each profile leads to an identity, or says what is wrong with it.
func TestProfilesOfAWS(t *testing.T) {
	const base = "[profile base]\naws_access_key_id = %s\naws_secret_access_key = %s\n"
	for name, c := range map[string]struct{ config, want string }{ // want "": it logs in
		"keys":                   {"[profile x]\naws_access_key_id = %s\naws_secret_access_key = %s\n", ""},
		"its own source":         {"[profile x]\nsource_profile = x\nrole_arn = " + readerARN + "\naws_access_key_id = %s\naws_secret_access_key = %s\n", ""},
		"a chain of roles":       {base + "[profile y]\nsource_profile = base\nrole_arn = " + middleARN + "\n[profile x]\nsource_profile = y\nrole_arn = " + lastARN + "\n", ""},
		"a program":              {"[profile x]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"}'\n", ""},
		"a program's role":       {"[profile x]\nrole_arn = " + readerARN + "\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\"}'\n", ""},
		"missing":                {base, `profile "x" (AWS_PROFILE) is neither`},
		"a circle":               {"[profile x]\nsource_profile = y\nrole_arn = a\n[profile y]\nsource_profile = x\nrole_arn = b\n", "leads in a circle"},
		"no source":              {"[profile x]\nsource_profile = y\nrole_arn = a\n", `"y" is no profile`},
		"a person":               {"[profile x]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n", "credential_process = aws configure export-credentials --profile x --format process"},
		"a code":                 {base + "[profile x]\nsource_profile = base\nrole_arn = a\nmfa_serial = m\n", "mfa_serial"},
		"half of a pair":         {"[profile x]\naws_access_key_id = a\n", "only one is there"},
		"too many":               {"[profile x]\nrole_arn = a\nsource_profile = y\ncredential_source = Environment\n", "only one of source_profile and credential_source"},
		"no role":                {"[profile x]\nsource_profile = y\n", "needs a role_arn"},
		"a duration":             {base + "[profile x]\nsource_profile = base\nrole_arn = a\nduration_seconds = 1h\n", `duration_seconds "1h"`},
		"an unknown source":      {"[profile x]\nrole_arn = a\ncredential_source = Vault\n", `"Vault" is none of`},
		"a program that fails":   {"[profile x]\ncredential_process = exit 3\n", "as profile x (credential_process)"},
		"no container":           {"[profile x]\nrole_arn = a\ncredential_source = EcsContainer\n", "needs AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"},
		"a role that says no":    {base + "[profile x]\nsource_profile = base\nrole_arn = arn:aws:iam::123456789012:role/other\n", "as role arn:aws:iam::123456789012:role/other that profile x assumes from profile base"},
		"keys that nobody knows": {"[profile x]\naws_access_key_id = AKIAUNKNOWN\naws_secret_access_key = wrong-secret-key\n", "as profile x"},
	} {
		t.Run(name, func(t *testing.T) {
			w, aws := newAWS(t)
			k := aws.NewKeys("arn:aws:iam::123456789012:user/ci")
			aws.AddRole(readerARN, parts.AWSRole{From: k.ARN})
			aws.AddRole(middleARN, parts.AWSRole{From: k.ARN})
			aws.AddRole(lastARN, parts.AWSRole{From: middleARN})
			text := c.config
			if strings.Contains(text, "%s") {
				text = fmt.Sprintf(text, k.ID, k.Secret)
			}
			w.set("AWS_PROFILE", "x", "AWS_CONFIG_FILE", w.file(text))
			if c.want == "" {
				w.wantTags(ecrEurope+"/app", login.AWS)
				return
			}
			w.wantError(ecrEurope+"/app", login.AWS, c.want)
			if len(w.asked) > 0 {
				t.Errorf("metadata services were asked: %q", w.asked)
			}
		})
	}
}

const (
	middleARN = "arn:aws:iam::123456789012:role/middle"
	lastARN   = "arn:aws:iam::123456789012:role/last"
)

// The roots of AWS_CA_BUNDLE are trusted beside the others.
func TestRootsOfAWS(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	w.logins.trust = pinsetter.TLS{}
	w.set("AWS_CA_BUNDLE", w.file(string(w.clouds.CA.PEM)))
	w.wantTags(ecrEurope+"/app", login.AWS)
	w.now = w.now.Add(24 * time.Hour)
	w.set("AWS_CA_BUNDLE", w.file("no certificate"))
	w.wantError(ecrEurope+"/app", login.AWS, "AWS_CA_BUNDLE", "no PEM certificate in it")
}

// An agent may be asked in the clear on this machine and at the agents'
// addresses alone.
func TestAgentsOfAWS(t *testing.T) {
	for address, want := range map[string]bool{
		"http://169.254.170.23/v1/credentials": true, "http://[fd00:ec2::23]/v1/credentials": true, "http://169.254.170.2/v2": true,
		"http://localhost:8080/": true, "http://127.0.0.1/": true, "https://agent.example/": true,
		"http://agent.example/": false, "http://10.0.0.1/": false, "http://169.254.169.254/": false, "agent": false, "http://169.254.170.23.evil.example/": false,
	} {
		if err := checkAgent(address); (err == nil) != want {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The profile of a person who logs in by a browser is no identity, so that a
// credential helper or an entry of the Docker configuration is used.
func TestAProfileOfAPersonLeavesItToTheDockerConfiguration(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	found, err := w.logins.Registry(t.Context(), login.CloudRequest{Provider: login.AWS, Host: ecrEurope})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(24 * time.Hour)
	w.set("AWS_PROFILE", "me", "AWS_CONFIG_FILE", w.file("[profile me]\nsso_session = s\nsso_account_id = 1\n"),
		"DOCKER_AUTH_CONFIG", fmt.Sprintf(`{"auths":{%q:{"username":"AWS","password":%q}}}`, ecrEurope, found.Password.Reveal()))
	w.wantTags(ecrEurope+"/app", login.AWS)
}
