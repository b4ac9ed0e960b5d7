//go:build e2e

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/parts"
)

// cloudRegistries are the images of one automation, by the name of the policy.
var cloudRegistries = map[string]struct{ image, provider string }{
	"ecr": {"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "aws"},
	"acr": {"team.azurecr.io/app", "azure"},
	"gar": {"europe-docker.pkg.dev/p/r/app", "gcp"},
	"zot": {"zot.example/app", "generic"},
}

// overClouds is a program that serves images of three clouds and of a registry
// with OpenID Connect.
type overClouds struct {
	*daemon
	repo       *parts.Repository
	clouds     *parts.Clouds
	aws        *parts.AWS
	issuer     *parts.Workloads
	registries map[string]*parts.Registry
	token      string // the file for zot
	secrets    []string
}

// newOverClouds starts the stand-ins and the program, whose token of ECR ends
// after three seconds.
func newOverClouds(t *testing.T) *overClouds {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const role, client, tenant, pool = "arn:aws:iam::123456789012:role/reader", "00000000-0000-0000-0000-00000000c11e", "00000000-0000-0000-0000-000000007e4a", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k8s"
	c := &overClouds{clouds: parts.NewClouds(t), issuer: parts.NewWorkloads(t), secrets: []string{"projected.token"}}
	c.aws = parts.NewAWS(t, c.clouds)
	c.aws.AddRole(role, parts.AWSRole{WebIdentity: "projected.token"})
	c.aws.Life(3 * time.Second)
	azure, google := parts.NewAzureCloud(t, c.clouds, "login.microsoftonline.com", tenant), parts.NewGCP(t, c.clouds)
	azure.Federate(client, "projected.token")
	google.Trust(pool, "projected.token")
	zot := parts.NewRegistry(t, parts.RegistryOptions{})
	c.clouds.Serve("zot.example", c.issuer.Guard("zot.example", "flux-system:puller", zot))
	c.registries = map[string]*parts.Registry{
		"ecr": c.aws.NewRegistry("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com", "eu-west-1", false),
		"acr": azure.NewRegistry("team.azurecr.io"), "gar": google.NewRegistry("europe-docker.pkg.dev"), "zot": zot,
	}
	subject := file("subject", "projected.token")
	c.token = file("zot", c.issuer.Token("flux-system:puller", "zot.example", time.Hour))
	for name, value := range map[string]string{
		"HTTPS_PROXY": c.clouds.URL, "SSL_CERT_FILE": c.clouds.File,
		"AWS_REGION":   "us-east-1", // the host's counts
		"AWS_ROLE_ARN": role, "AWS_WEB_IDENTITY_TOKEN_FILE": subject,
		"AZURE_CLIENT_ID": client, "AZURE_TENANT_ID": tenant, "AZURE_FEDERATED_TOKEN_FILE": subject,
		"GOOGLE_APPLICATION_CREDENTIALS": file("google.json", fmt.Sprintf(`{"type":"external_account","audience":%q,
			"subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://sts.googleapis.com/v1/token","credential_source":{"file":%q}}`, pool, subject)),
	} {
		t.Setenv(name, value)
	}
	objects, marked := c.objects(t), ""
	for name, r := range cloudRegistries {
		c.push(name, 0)
		marked += fmt.Sprintf("%s: %s:1.0.0 # {\"$imagepolicy\": \"default:%[1]s\"}\n", name, r.image)
	}
	c.repo.CommitFile("main", "a.yaml", marked, "")
	c.daemon = serve(t, "", "-f", file("objects.yaml", objects), "--batch", "1ms", "--registry-token-file", "zot.example="+c.token)
	return c
}

// objects returns the objects, and starts the repository that they name.
func (c *overClouds) objects(t *testing.T) string {
	c.repo = parts.NewGit(t, parts.GitOptions{}).NewRepository("fleet", parts.RepositoryOptions{Tree: parts.Tree{Files: map[string]string{"README": "a"}}})
	text := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: fleet}\nspec: {url: '" + c.repo.URL + "', interval: 5m, ref: {branch: main}}\n" +
		"---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\nmetadata: {name: fleet}\n" +
		"spec: {interval: 1s, sourceRef: {kind: GitRepository, name: fleet}, git: {commit: {author: {name: Bot, email: bot@example.test}}}}\n"
	for name, r := range cloudRegistries {
		text += fmt.Sprintf("---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nmetadata: {name: %s}\nspec: {image: %s, provider: %s, interval: 1s, timeout: 30s}\n"+
			"---\napiVersion: image.toolkit.fluxcd.io/v1\nkind: ImagePolicy\nmetadata: {name: %[1]s}\nspec: {imageRepositoryRef: {name: %[1]s}, policy: {semver: {range: 1.x}}}\n", name, r.image, r.provider)
	}
	return text
}

// push pushes version 1.MINOR.0 of an image.
func (c *overClouds) push(name string, minor int) {
	_, image, _ := strings.Cut(cloudRegistries[name].image, "/")
	c.registries[name].Push(image, fmt.Sprintf("1.%d.0", minor))
}

// arrives pushes a version of images, and waits until all are written.
func (c *overClouds) arrives(why string, minor int, names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.push(name, minor)
	}
	c.until(why, func() bool {
		text := c.repo.File("main", "a.yaml")
		for _, name := range names {
			if !strings.Contains(text, fmt.Sprintf("%s:1.%d.0", cloudRegistries[name].image, minor)) {
				return false
			}
		}
		return true
	})
}

// TestCloudsWhileServing: one program serves images of three clouds and of a
// registry with OpenID Connect. Tokens end, an API throttles, a clock is wrong,
// a right and a token are taken away and given back: the image that this is about
// waits, the others go on, and everything is written in the end.
func TestCloudsWhileServing(t *testing.T) {
	c := newOverClouds(t)
	const role = "arn:aws:iam::123456789012:role/reader"
	c.arrives("the first run", 1, "ecr", "acr", "gar", "zot")
	tokens := func() int { return c.clouds.Count("api.ecr.eu-west-1.amazonaws.com", "") }
	before := tokens()
	c.until("the token of ECR has ended twice", func() bool { return tokens() > before+1 })
	c.arrives("tokens that ended", 2, "ecr", "acr")
	c.aws.Throttle(3)
	c.arrives("an API that throttles", 3, "ecr", "gar")
	c.aws.Skew(40 * time.Minute)
	c.arrives("a wrong clock", 4, "ecr")
	c.aws.Skew(0)

	c.aws.Deny(role, "ecr:ListImages")
	c.until("the permission is named", func() bool { return strings.Contains(c.said(), "it needs ecr:ListImages") })
	c.arrives("an identity without the right", 5, "acr", "gar", "zot")
	c.aws.Deny(role, "")
	c.arrives("the right is there", 5, "ecr")

	c.write(t, c.issuer.Token("flux-system:puller", "zot.example", -time.Minute))
	c.until("the end of the token is named", func() bool { return strings.Contains(c.said(), "to be renewed, since it ended at") })
	c.arrives("a token that ended", 6, "ecr", "acr")
	c.write(t, c.issuer.Token("flux-system:puller", "zot.example", time.Hour))
	c.arrives("the token was replaced", 6, "zot")

	for _, secret := range c.secrets {
		if strings.Contains(c.said(), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
	if n := c.clouds.Count("login.microsoftonline.com", "/token"); n != 1 {
		t.Errorf("%d tokens of Entra; want 1", n)
	}
	if n := c.clouds.Count("sts.googleapis.com", ""); n != 1 {
		t.Errorf("%d tokens of Google; want 1", n)
	}
}

// write replaces the token for zot as Kubernetes does, all at once.
func (c *overClouds) write(t *testing.T, token string) {
	t.Helper()
	c.secrets = append(c.secrets, token)
	next := c.token + ".next"
	err := os.WriteFile(next, []byte(token), 0o600)
	if err == nil {
		err = os.Rename(next, c.token)
	}
	if err != nil {
		t.Fatal(err)
	}
}
