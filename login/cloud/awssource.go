package cloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/pinsetter/pinsetter/login"
)

// awsSource is where an identity of AWS comes from.
type awsSource struct {
	provider aws.CredentialsProvider
	how      string // for people
	node     bool   // it is the node's role, which may be there or not
}

// awsSources finds sources of identities.
type awsSources struct {
	client   *http.Client
	region   string
	profiles map[string]awsProfile
}

// profile returns the source that a profile names. Seen are the profiles that
// led to it.
func (s *awsSources) profile(name string, seen []string) (awsSource, error) {
	p, how := s.profiles[name], "profile "+name
	if err := p.check(name); err != nil {
		return awsSource{}, err
	}
	own := aws.Credentials{AccessKeyID: p["aws_access_key_id"], SecretAccessKey: p["aws_secret_access_key"], SessionToken: p["aws_session_token"]}
	var from awsSource
	var err error
	switch source := p["source_profile"]; {
	case len(seen) > 0 && own.HasKeys():
		return keysOf(how, own), nil
	case source != "":
		switch {
		case slices.Contains(seen, source):
			err = fmt.Errorf("profile %s: source_profile leads in a circle", name)
		case s.profiles[source] == nil:
			err = fmt.Errorf("profile %s: source_profile %q is no profile", name, source)
		default:
			from, err = s.profile(source, append(seen, name))
		}
	case own.HasKeys():
		from = keysOf(how, own)
	case p["credential_source"] != "":
		from, err = s.named(name, p["credential_source"])
	case p["web_identity_token_file"] != "":
		return s.webIdentity(p["role_arn"], p["web_identity_token_file"], p["role_session_name"], how)
	case p["credential_process"] != "":
		from = processOf(how, p["credential_process"])
	case p["sso_session"] != "" || p["sso_account_id"] != "" || p["login_session"] != "":
		err = noIdentity{fmt.Sprintf("profile %s is of a person who logs in by a browser, which isn't supported here: log in, and let docker-credential-ecr-login "+
			"be the credential helper of the host, or name a profile with credential_process = aws configure export-credentials --profile %[1]s --format process", name)}
	default:
		from, err = s.machine()
	}
	if err != nil || p["role_arn"] == "" {
		return from, err
	}
	return s.assume(name, p, from)
}

// check returns what is wrong with a profile as it stands.
func (p awsProfile) check(name string) error {
	var given []string
	for _, key := range []string{"source_profile", "credential_source", "credential_process", "web_identity_token_file"} {
		if p[key] != "" {
			given = append(given, key)
		}
	}
	switch {
	case (p["aws_access_key_id"] == "") != (p["aws_secret_access_key"] == ""):
		return fmt.Errorf("profile %s: aws_access_key_id and aws_secret_access_key go together, and only one is there", name)
	case len(given) > 1:
		return fmt.Errorf("profile %s: only one of %s can be used", name, strings.Join(given, " and "))
	case len(given) == 1 && given[0] != "credential_process" && p["role_arn"] == "":
		return fmt.Errorf("profile %s: %s needs a role_arn", name, given[0])
	case p["role_arn"] != "" && p["mfa_serial"] != "":
		return fmt.Errorf("profile %s: its role asks for a code of a person (mfa_serial), and nobody can be asked here", name)
	}
	return nil
}

// named returns the source that a profile's credential_source names.
func (s *awsSources) named(profile, source string) (awsSource, error) {
	switch source {
	case "Environment":
		return keysOf("the keys of AWS_ACCESS_KEY_ID", environmentKeys()), nil
	case "Ec2InstanceMetadata":
		return s.nodeRole(), nil
	case "EcsContainer":
		if found, ok, err := s.container(); ok || err != nil {
			return found, err
		}
		return awsSource{}, fmt.Errorf("profile %s: credential_source EcsContainer needs AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI", profile)
	}
	return awsSource{}, fmt.Errorf("profile %s: credential_source %q is none of Environment, Ec2InstanceMetadata and EcsContainer", profile, source)
}

// keysOf returns fixed keys as a source.
func keysOf(how string, keys aws.Credentials) awsSource {
	return awsSource{how: how, provider: credentials.StaticCredentialsProvider{Value: keys}}
}

// processOf returns the program of a profile as a source. It is started as
// credential helpers are.
func processOf(how, command string) awsSource {
	build := processcreds.NewCommandBuilderFunc(func(ctx context.Context) (*exec.Cmd, error) {
		c := exec.CommandContext(ctx, "sh", "-c", command)
		c.Env = login.HelperEnviron(os.Environ())
		return c, nil
	})
	return awsSource{how: how + " (credential_process)", provider: processcreds.NewProviderCommand(build)}
}

// assume returns the role of a profile as a source, which another one may
// assume.
func (s *awsSources) assume(name string, p awsProfile, from awsSource) (awsSource, error) {
	var life time.Duration
	if written := p["duration_seconds"]; written != "" {
		seconds, err := strconv.Atoi(written)
		if err != nil || seconds < 900 || seconds > 43200 { // STS's own bounds
			return awsSource{}, fmt.Errorf("profile %s: duration_seconds %q is no number from 900 to 43200", name, written)
		}
		life = time.Duration(seconds) * time.Second
	}
	provider := stscreds.NewAssumeRoleProvider(s.sts(from.provider), p["role_arn"], func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = p["role_session_name"], life
		if id := p["external_id"]; id != "" {
			o.ExternalID = &id
		}
	})
	return awsSource{provider: provider, how: fmt.Sprintf("role %s that profile %s assumes from %s", p["role_arn"], name, from.how)}, nil
}

// webIdentity returns a role that a token in a file assumes. By says for people
// where it is configured.
func (s *awsSources) webIdentity(role, file, session, by string) (awsSource, error) {
	if role == "" {
		return awsSource{}, fmt.Errorf("a web identity's token is in %s, and no role to assume with it is named: set AWS_ROLE_ARN", file)
	}
	provider := stscreds.NewWebIdentityRoleProvider(s.sts(nil), role, stscreds.IdentityTokenFile(file), func(o *stscreds.WebIdentityRoleOptions) {
		o.RoleSessionName = session
	})
	return awsSource{provider: provider, how: fmt.Sprintf("role %s by web identity (%s)", role, by)}, nil
}

// sts returns a client of the region's STS.
func (s *awsSources) sts(as aws.CredentialsProvider) *sts.Client {
	o := sts.Options{Region: s.region, HTTPClient: s.client, Credentials: as}
	if address := os.Getenv("AWS_ENDPOINT_URL_STS"); address != "" {
		o.BaseEndpoint = &address
	}
	if strings.EqualFold(os.Getenv("AWS_USE_FIPS_ENDPOINT"), "true") {
		o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	return sts.New(o)
}

// machine returns what the machine gives: the role of the container, else that
// of the node.
func (s *awsSources) machine() (awsSource, error) {
	if found, ok, err := s.container(); ok || err != nil {
		return found, err
	}
	return s.nodeRole(), nil
}

// nodeRole returns the role of the node as a source. Version 1 of IMDS would
// answer also if the hop limit keeps the answers of version 2 from this
// container, and is left out.
func (s *awsSources) nodeRole() awsSource {
	client := imds.New(imds.Options{HTTPClient: s.client, EnableFallback: aws.FalseTernary})
	provider := ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client })
	return awsSource{provider: provider, how: "the node's role (IMDSv2)", node: true}
}

// container returns the role of this container as a source, and false if the
// environment names no agent to ask for it.
func (s *awsSources) container() (awsSource, bool, error) {
	address, how := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), "the role of EKS Pod Identity (AWS_CONTAINER_CREDENTIALS_FULL_URI)"
	if path := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		address, how = "http://169.254.170.2"+path, "the task's role (ECS)"
	}
	if address == "" {
		return awsSource{}, false, nil
	}
	if err := checkAgent(address); err != nil {
		return awsSource{}, false, err
	}
	provider := endpointcreds.New(address, func(o *endpointcreds.Options) {
		o.HTTPClient = s.client
		o.AuthorizationToken = os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				data, err := readBounded(file, maxTokenFile)
				if err != nil {
					return "", fmt.Errorf("read the token in %s: %w", file, err)
				}
				return string(data), nil
			})
		}
	})
	return awsSource{provider: provider, how: how}, true, nil
}

// agents are the addresses of the agents of ECS and EKS.
var agents = []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}

// checkAgent refuses an agent that would be asked in the clear elsewhere than on
// this machine.
func checkAgent(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is no URL")
	}
	host := u.Hostname()
	ip, _ := netip.ParseAddr(host)
	if u.Scheme == "https" || login.Loopback(host) || ip.IsValid() && slices.Contains(agents, ip.String()) {
		return nil
	}
	return fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI leads to %s by http: it may do so only on this machine and to the agents of ECS and EKS", net.JoinHostPort(host, u.Port()))
}
