package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pinsetter/pinsetter/login"
	"github.com/pinsetter/pinsetter/parts"
	"github.com/pinsetter/pinsetter/registry"
)

const (
	ecrEurope = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	apiEurope = "api.ecr.eu-west-1.amazonaws.com"
	readerARN = "arn:aws:iam::123456789012:role/reader"
)

// newAWS returns a world with a registry in eu-west-1 that has app:1.0.0.
func newAWS(t *testing.T) (*world, *parts.AWS) {
	t.Helper()
	w := newWorld(t)
	aws := parts.NewAWS(t, w.clouds)
	aws.NewRegistry(ecrEurope, apiEurope, "eu-west-1", false).Push("app", "1.0.0")
	return w, aws
}

// keys puts keys of an identity into the environment.
func (w *world) keys(k parts.AWSKeys) {
	w.set("AWS_ACCESS_KEY_ID", k.ID, "AWS_SECRET_ACCESS_KEY", k.Secret)
}

func TestECRByKeysOfTheEnvironment(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	w.wantTags(ecrEurope+"/app", login.AWS)
	if len(w.asked) > 0 {
		t.Errorf("metadata services were asked: %q", w.asked)
	}
}

func TestECRByWebIdentity(t *testing.T) {
	w, aws := newAWS(t)
	aws.AddRole(readerARN, parts.AWSRole{WebIdentity: "projected.token"})
	w.set("AWS_ROLE_ARN", readerARN, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file("projected.token"))
	w.wantTags(ecrEurope+"/app", login.AWS)
}

func TestECRByAProfileThatAssumesARole(t *testing.T) {
	w, aws := newAWS(t)
	k := aws.NewKeys("arn:aws:iam::123456789012:user/ci")
	aws.AddRole(readerARN, parts.AWSRole{From: k.ARN})
	w.set("AWS_PROFILE", "prod", "AWS_CONFIG_FILE", w.file(fmt.Sprintf(
		"[profile base]\naws_access_key_id = %s\naws_secret_access_key = %s\n[profile prod]\nrole_arn = %s\nsource_profile = base\n", k.ID, k.Secret, readerARN)))
	w.wantTags(ecrEurope+"/app", login.AWS)
}

func TestECRByPodIdentity(t *testing.T) {
	w, aws := newAWS(t)
	aws.AddRole(readerARN, parts.AWSRole{Agent: "pod.token"})
	w.inside["169.254.170.23:80"] = aws.PodIdentity.Addr
	w.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", w.file("pod.token"))
	w.wantTags(ecrEurope+"/app", login.AWS)
}

func TestECRByTheNodesRole(t *testing.T) {
	w, aws := newAWS(t)
	aws.SetNode(readerARN)
	w.inside["169.254.169.254:80"] = aws.IMDS.Addr
	w.wantTags(ecrEurope+"/app", login.AWS)
}

func TestECRInEveryPartition(t *testing.T) {
	for _, c := range []struct{ host, api, region string }{
		{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"},
		{"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "api.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
		{"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "ecr-fips.us-east-1.amazonaws.com", "us-east-1"},
		{"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "api.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
		{"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "api.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
		{"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "api.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
		{"123456789012.dkr-ecr.eu-central-1.on.aws", "ecr.eu-central-1.api.aws", "eu-central-1"},
	} {
		t.Run(c.region, func(t *testing.T) {
			w, aws := newAWS(t)
			w.keys(aws.NewKeys(readerARN))
			aws.NewRegistry(c.host, c.api, c.region, false).Push("app", "1.0.0")
			w.wantTags(c.host+"/app", login.AWS)
		})
	}
}

func TestECRPublic(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	aws.NewRegistry("public.ecr.aws", "api.ecr-public.us-east-1.amazonaws.com", "us-east-1", true).Push("team/app", "1.0.0")
	w.wantTags("public.ecr.aws/team/app", login.AWS)
}

// A thousand images of one region are one token, also while they are asked for
// at the same time.
func TestOneTokenForAThousandImages(t *testing.T) {
	w, aws := newAWS(t)
	reg := aws.NewRegistry(ecrEurope, apiEurope, "eu-west-1", false)
	w.keys(aws.NewKeys(readerARN))
	r := w.registry(registry.Options{})
	var wait sync.WaitGroup
	for i := range 1000 {
		name := fmt.Sprintf("app%d", i)
		reg.SetTags(name, "1.0.0")
		image := w.image(r, ecrEurope+"/"+name, login.AWS)
		wait.Go(func() {
			if _, err := image.Tags(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wait.Wait()
	if n := w.clouds.Count(apiEurope, ""); n != 1 {
		t.Errorf("%d tokens were asked for; want 1", n)
	}
}

// A token that ends before its time is renewed once, and the work goes on.
func TestATokenThatIsRevokedMidRunIsRenewed(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	image := w.image(w.registry(registry.Options{}), ecrEurope+"/app", login.AWS)
	for range 2 {
		if _, err := image.Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
		aws.Revoke()
		w.now = w.now.Add(2 * time.Minute)
	}
	if n := w.clouds.Count(apiEurope, ""); n != 2 {
		t.Errorf("%d tokens were asked for; want 2", n)
	}
}

// A token is renewed shortly before it ends.
func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	image := w.image(w.registry(registry.Options{}), ecrEurope+"/app", login.AWS)
	for _, age := range []time.Duration{0, 12*time.Hour - 6*time.Minute, 2 * time.Minute} {
		w.now = w.now.Add(age)
		if age > 0 {
			aws.Skew(time.Until(w.now)) // AWS's time goes on too
		}
		if _, err := image.Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.clouds.Count(apiEurope, ""); n != 2 {
		t.Errorf("%d tokens were asked for; want 2", n)
	}
}

// An identity without the right is told so, and images that it may not list
// cost no new token each.
func TestECRNamesTheMissingPermission(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	aws.Deny(readerARN, "ecr:ListImages")
	w.wantError(ecrEurope+"/app", login.AWS, "AWS_ACCESS_KEY_ID", "ecr:ListImages", "AmazonEC2ContainerRegistryReadOnly", readerARN)
	w.wantError(ecrEurope+"/app", login.AWS, "ecr:ListImages")
	if n := w.clouds.Count(apiEurope, ""); n != 1 {
		t.Errorf("%d tokens were asked for; want 1", n)
	}
	t.Run("of the API", func(t *testing.T) {
		w, aws := newAWS(t)
		w.keys(aws.NewKeys(readerARN))
		aws.Deny(readerARN, "ecr:GetAuthorizationToken")
		w.wantError(ecrEurope+"/app", login.AWS, "AWS_ACCESS_KEY_ID", "AccessDeniedException", "give it ecr:GetAuthorizationToken")
	})
}

func TestECRWaitsWhenThrottled(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	aws.Throttle(2)
	w.wantTags(ecrEurope+"/app", login.AWS)
	if w.slept != 3*time.Second {
		t.Errorf("slept %s; want 3s", w.slept)
	}
}

func TestECRForgivesAWrongClock(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	aws.Skew(40 * time.Minute)
	aws.Throttle(3)
	w.wantTags(ecrEurope+"/app", login.AWS)
}

func TestECRErrorsNameTheRoleAndNoSecret(t *testing.T) {
	w, _ := newAWS(t)
	w.set("AWS_ROLE_ARN", readerARN, "AWS_WEB_IDENTITY_TOKEN_FILE", w.file("wrong.projected.token"))
	w.wantError(ecrEurope+"/app", login.AWS, "role "+readerARN+" by web identity", "AssumeRoleWithWebIdentity", "AccessDenied")
	_, err := w.tags(ecrEurope+"/app", login.AWS)
	if strings.Contains(err.Error(), "wrong.projected") || errors.Is(err, login.ErrNoIdentity) {
		t.Errorf("error shows the token, or counts as no identity: %v", err)
	}
}

func TestECRWithoutAnIdentity(t *testing.T) {
	w, aws := newAWS(t)
	w.wantError(ecrEurope+"/app", login.AWS, "the node's role", "nothing answers", "hop limit", "no credential helper or entry")
	t.Run("on a node without a role", func(t *testing.T) {
		w.inside["169.254.169.254:80"] = aws.IMDS.Addr
		w.now = w.now.Add(time.Hour)
		w.wantError(ecrEurope+"/app", login.AWS, "the node has no role")
	})
	if n := w.clouds.Count(ecrEurope, "/tags/list"); n != 0 {
		t.Errorf("the registry was asked without a login")
	}
}

// Where the cloud gives no identity, the Docker configuration's credential is
// used, and it is said which.
func TestECRByTheDockerConfiguration(t *testing.T) {
	w, aws := newAWS(t)
	k := aws.NewKeys(readerARN)
	w.keys(k)
	found, err := w.logins.Registry(t.Context(), login.CloudRequest{Provider: login.AWS, Host: ecrEurope})
	if err != nil {
		t.Fatal(err)
	}
	w.set("AWS_ACCESS_KEY_ID", "", "AWS_SECRET_ACCESS_KEY", "")
	w.now = w.now.Add(24 * time.Hour)
	w.set("DOCKER_AUTH_CONFIG", fmt.Sprintf(`{"auths":{%q:{"username":"AWS","password":%q}}}`, ecrEurope, found.Password.Reveal()))
	var said []string
	r := w.registry(registry.Options{LoggedIn: func(host, provider, as string) { said = append(said, host+" "+provider+" "+as) }})
	if _, err := w.image(r, ecrEurope+"/app", login.AWS).Tags(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || said[0] != ecrEurope+" aws DOCKER_AUTH_CONFIG" {
		t.Errorf("it says %q", said)
	}
	aws.Revoke()
	w.wantError(ecrEurope+"/app", login.AWS, "DOCKER_AUTH_CONFIG, since provider aws gives no identity here, were refused")
}

// A host that only looks like a registry of AWS gets nothing, and nobody is
// asked.
func TestATokenGoesToNoOtherHost(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	for _, host := range []string{
		ecrEurope + ".evil.example", "evil.example", "x" + ecrEurope, ecrEurope + ":8443", "registry." + ecrEurope,
		"123456789012.dkr.ecr.eu-west-1.evil.example", "12345678901.dkr.ecr.eu-west-1.amazonaws.com", "us-docker.pkg.dev", "app.azurecr.io",
	} {
		w.clouds.Serve(host, http.NotFoundHandler())
		_, err := w.registry(registry.Options{}).Repository(host+"/app", w.access(login.AWS))
		if err == nil || !strings.Contains(err.Error(), "no registry of provider aws") {
			t.Errorf("%s: %v; want it refused", host, err)
		}
		if _, err := w.logins.Registry(t.Context(), login.CloudRequest{Provider: login.AWS, Host: host}); err == nil {
			t.Errorf("%s gets a login", host)
		}
	}
	if n := w.clouds.Count(apiEurope, ""); n != 0 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// The registry of a cloud may not name a token server elsewhere.
func TestATokenGoesToNoOtherTokenServer(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	w.clouds.Serve("evil.example", http.NotFoundHandler())
	w.clouds.Serve(ecrEurope, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="https://evil.example/token"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	w.wantError(ecrEurope+"/app", login.AWS, "is for the registry alone")
	if n := w.clouds.Count("evil.example", ""); n != 0 {
		t.Errorf("the token server was asked")
	}
}

// The door to metadata services admits the requests for an identity and no
// other.
func TestTheDoorIsNarrow(t *testing.T) {
	w, aws := newAWS(t)
	w.inside["169.254.169.254:80"] = aws.IMDS.Addr
	w.inside["169.254.170.23:80"] = aws.PodIdentity.Addr
	session := http.Header{"X-Aws-Ec2-Metadata-Token": {"x"}}
	for _, c := range []struct{ provider, method, url string }{
		{login.AWS, "GET", "http://169.254.169.254/latest/user-data"},
		{login.AWS, "GET", "http://169.254.169.254/latest/meta-data/"},
		{login.AWS, "GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/../../../user-data"},
		{login.AWS, "GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/a%2f..%2fuser-data"},
		{login.AWS, "POST", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"},
		{login.AWS, "GET", "http://169.254.169.254:8080/latest/meta-data/iam/security-credentials/"},
		{login.AWS, "GET", "https://169.254.169.254/latest/meta-data/iam/security-credentials/"},
		{login.AWS, "GET", "http://169.254.169.253/latest/meta-data/iam/security-credentials/"},
		{login.AWS, "GET", "http://169.254.170.2/v2/credentials"},
		{login.AWS, "GET", "http://169.254.170.23/v1/credentials"},
		{login.AWS, "GET", "http://169.254.169.254/metadata/identity/oauth2/token"},
		{login.Azure, "GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"},
	} {
		if _, err := w.get(c.provider, c.method, c.url, session.Clone()); !errors.Is(err, login.ErrRefusedAddress) {
			t.Errorf("%s %s for %s: %v; want it refused", c.method, c.url, c.provider, err)
		}
	}
	if len(w.asked) > 0 {
		t.Errorf("connections were opened: %q", w.asked)
	}
	if _, err := w.get(login.AWS, "GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/", http.Header{}); !errors.Is(err, login.ErrRefusedAddress) {
		t.Errorf("version 1 of IMDS: %v; want it refused", err)
	}
}

// Whatever a name resolves to, the dialer of metadata services connects to no
// other address.
func TestTheDoorsDialerConnectsNowhereElse(t *testing.T) {
	for _, address := range []string{"127.0.0.1:80", "169.254.169.254:22", "169.254.1.1:80", "[::1]:80"} {
		if _, err := dialMetadata(t.Context(), "tcp", address); !errors.Is(err, login.ErrRefusedAddress) {
			t.Errorf("%s: %v; want it refused", address, err)
		}
	}
}

// A machine whose clock is ahead believes that each login has ended. It asks for
// one all the same, and not for one an image.
func TestAClockThatIsAheadAsksOnce(t *testing.T) {
	w, aws := newAWS(t)
	w.keys(aws.NewKeys(readerARN))
	w.now = w.now.Add(24 * time.Hour)
	r := w.registry(registry.Options{})
	image := w.image(r, ecrEurope+"/app", login.AWS)
	for range 10 {
		if _, err := image.Tags(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.clouds.Count(apiEurope, ""); n != 2 { // the first is out of time, the second signed by AWS's clock
		t.Errorf("%d requests for tokens; want 2", n)
	}
}
